package dev.marmot.node;

/** The version of this build. */
public final class Version {
  private Version() {}

  /** From the jar's manifest; {@code development} when run from classes. */
  public static String current() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
