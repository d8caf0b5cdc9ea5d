package dev.marmot.sqlite.doctor;

import dev.marmot.sqlite.hooks.DatabaseFile;
import dev.marmot.sqlite.hooks.DatabaseFileException;
import dev.marmot.sqlite.schema.DatabaseSchema;
import dev.marmot.sqlite.schema.SchemaReader;
import dev.marmot.sqlite.schema.TablePatterns;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/** Examines a file: what replicates, what does not, and what to mind. Immutable. */
public final class Doctor {
  private static final Duration LOCK_WAIT = Duration.ofSeconds(2);

  private final TablePatterns excluded;
  private final boolean integrity;

  /**
   * @param excluded tables that are not to replicate
   * @param integrity whether every page is read to see that the file is sound
   */
  public Doctor(TablePatterns excluded, boolean integrity) {
    this.excluded = excluded;
    this.integrity = integrity;
  }

  /**
   * Examines one file. Writes nothing to it.
   *
   * @throws DatabaseFileException when it cannot be read
   */
  public Report examine(Path path) {
    DatabaseFile file = new DatabaseFile(path, LOCK_WAIT);
    try (Connection connection = file.connectReadOnly()) {
      Findings findings = new Findings();
      FileCheck check = new FileCheck(path, connection, findings);
      check.settings();
      if (integrity && !check.integrity()) {
        return new Report(check.facts(), List.of(), findings.worstFirst());
      }
      check.leftovers();
      DatabaseSchema schema = new SchemaReader(excluded).read(connection);
      new TableCheck(connection, schema, findings).run();
      if (schema.tables().isEmpty()) {
        findings.problem(
            "file", "no table of it replicates", "create the application's tables first");
      }
      FileCheck.application(findings);
      return new Report(
          check.facts(),
          schema.tables().keySet().stream().sorted().toList(),
          findings.worstFirst());
    } catch (SQLException e) {
      throw new DatabaseFileException(
          "cannot examine "
              + path
              + ": "
              + e.getMessage()
              + "; see that nobody holds a lock on it, and try again",
          e);
    }
  }
}
