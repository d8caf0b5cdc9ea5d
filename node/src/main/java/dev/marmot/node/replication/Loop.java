package dev.marmot.node.replication;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that owns one part of the protocol and does its next step whenever it is woken. An
 * operating error (disk full, file locked) is shown and tried again; a {@link ProtocolViolation}
 * stops the part for good. Thread-safe.
 */
final class Loop implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Loop.class);
  private static final long PAUSE_AFTER_ERROR_MILLIS = 500;

  private final String name;
  private final Step step;
  private final Signal signal = new Signal();
  private final Thread thread;
  private volatile boolean running = true;
  private volatile @Nullable String error;
  private volatile boolean failed;

  Loop(String name, Step step) {
    this.name = name;
    this.step = step;
    this.thread = new Thread(this::run, name);
  }

  void start() {
    thread.start();
  }

  void wake() {
    signal.raise();
  }

  /** Why the last step failed; null when it did not. */
  @Nullable String error() {
    return error;
  }

  /** Whether the part has stopped for good. */
  boolean failed() {
    return failed;
  }

  private void run() {
    try {
      while (running) {
        signal.await(next());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      if (running) {
        log.atError().addKeyValue("thread", name).setCause(e).log("interrupted, stopping");
        failed = true;
      }
    } catch (Error e) {
      failed = true;
      error = e.toString();
      log.atError().addKeyValue("thread", name).setCause(e).log("stopped by an error");
      throw e;
    }
  }

  /** One step; returns for how long to wait at most before the next one. */
  private long next() throws InterruptedException {
    try {
      long wait = failed ? Long.MAX_VALUE : step.run();
      if (error != null && !failed) {
        log.atInfo().addKeyValue("thread", name).log("recovered");
        error = null;
      }
      return wait;
    } catch (ProtocolViolation e) {
      failed = true;
      error = e.getMessage();
      log.atError().addKeyValue("thread", name).setCause(e).log("replication stopped");
      return Long.MAX_VALUE;
    } catch (RuntimeException e) {
      if (!running) {
        return 0;
      }
      String reason = String.valueOf(e.getMessage());
      if (!reason.equals(error)) {
        log.atWarn().addKeyValue("thread", name).setCause(e).log("step failed, trying again");
      }
      error = reason;
      return PAUSE_AFTER_ERROR_MILLIS;
    }
  }

  @Override
  public void close() {
    running = false;
    thread.interrupt();
    signal.raise();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** One step of the owned part. */
  @FunctionalInterface
  interface Step {
    /** Returns after how many milliseconds to step again unless woken before. */
    long run() throws InterruptedException;
  }
}
