package dev.marmot.sqlite.store;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls back when the {@code -wal} file changes, and now and then anyway. Thread-safe.
 *
 * <p>Events that come while the callback runs are one event afterwards. The poll is the safety net
 * for lost events and for file systems that report none. The store's own commits wake, too.
 */
final class CommitWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CommitWatch.class);

  private static final long FIRST_PAUSE_MILLIS = 1;

  private final Path wal;
  private final Duration poll;
  private final Runnable wake;
  private final WatchService service;
  private final Thread thread;

  private CommitWatch(
      Path walFile, Duration poll, Runnable wake, String threadName, WatchService service) {
    this.wal = walFile.getFileName();
    this.poll = poll;
    this.wake = wake;
    this.service = service;
    this.thread = new Thread(this::run, threadName);
  }

  static CommitWatch start(Path walFile, Duration poll, String threadName, Runnable wake)
      throws IOException {
    WatchService service = FileSystems.getDefault().newWatchService();
    CommitWatch watch = new CommitWatch(walFile, poll, wake, threadName, service);
    walFile
        .resolveSibling("")
        .toAbsolutePath()
        .register(
            service,
            StandardWatchEventKinds.ENTRY_CREATE,
            StandardWatchEventKinds.ENTRY_MODIFY,
            StandardWatchEventKinds.OVERFLOW);
    watch.thread.setDaemon(true);
    watch.thread.start();
    return watch;
  }

  /**
   * An event comes when the WAL is written, but the commit is visible only after that: with
   * synchronous=FULL the application syncs the file in between. So after an event the file is
   * looked at again, after pauses that double until they reach the slow poll.
   */
  private void run() {
    long pause = poll.toMillis();
    try {
      while (true) {
        WatchKey key = service.poll(pause, TimeUnit.MILLISECONDS);
        if (key == null) {
          pause = Math.min(2 * pause, poll.toMillis());
          call();
        } else if (concerns(key)) {
          pause = FIRST_PAUSE_MILLIS;
          call();
        }
      }
    } catch (ClosedWatchServiceException e) {
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean concerns(WatchKey key) {
    boolean concerns = false;
    for (WatchEvent<?> event : key.pollEvents()) {
      concerns |= event.kind() == StandardWatchEventKinds.OVERFLOW || wal.equals(event.context());
    }
    key.reset();
    return concerns;
  }

  private void call() {
    try {
      wake.run();
    } catch (RuntimeException e) {
      // The thread's top: the next commit must wake again.
      log.atWarn().setCause(e).log("commit listener failed");
    }
  }

  @Override
  public void close() {
    try {
      service.close();
      if (Thread.currentThread() != thread) {
        thread.join(TimeUnit.SECONDS.toMillis(5));
      }
    } catch (IOException e) {
      log.atWarn().setCause(e).log("commit watch not closed");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
