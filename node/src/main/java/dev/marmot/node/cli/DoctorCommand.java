package dev.marmot.node.cli;

import dev.marmot.node.control.ProtoJson;
import dev.marmot.proto.v1.DoctorReport;
import dev.marmot.sqlite.doctor.Doctor;
import dev.marmot.sqlite.doctor.Report;
import dev.marmot.sqlite.doctor.Report.Finding;
import dev.marmot.sqlite.schema.TablePatterns;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code marmot doctor}. Confined to the main thread. */
@Command(
    description =
        "Examines a SQLite file and explains what replicates, what does not, and what to mind. Only"
            + " reads it. Exit code 5 when something keeps the file or a table from replicating.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DoctorCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private DatabaseOption database = new DatabaseOption();

  @Option(
      names = "--exclude",
      split = ",",
      paramLabel = "PATTERN",
      description = "Tables that are not to replicate, as for run.")
  private List<String> excluded = List.of();

  @Option(names = "--quick", description = "Do not read every page to see that the file is sound.")
  private boolean quick;

  @Option(names = "--json", description = "For scripts: one JSON object.")
  private boolean json;

  DoctorCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    Path path = database.file();
    Report report = new Doctor(TablePatterns.of(excluded), !quick).examine(path);
    environment.out().println(json ? ProtoJson.pretty(message(path, report)) : text(path, report));
    return (report.replicates() ? ExitCode.OK : ExitCode.FINDINGS).number();
  }

  private static DoctorReport message(Path path, Report report) {
    DoctorReport.Builder message =
        DoctorReport.newBuilder()
            .setFile(path.toString())
            .setReplicates(report.replicates())
            .addAllReplicatedTables(report.replicated());
    new TreeMap<>(report.facts())
        .forEach((name, value) -> message.addFacts(fact().setName(name).setValue(value)));
    for (Finding finding : report.findings()) {
      message.addFindings(
          dev.marmot.proto.v1.DoctorFinding.newBuilder()
              .setLevel(finding.level().name())
              .setSubject(finding.subject())
              .setWhat(finding.what())
              .setAdvice(finding.advice()));
    }
    return message.build();
  }

  private static dev.marmot.proto.v1.DoctorFact.Builder fact() {
    return dev.marmot.proto.v1.DoctorFact.newBuilder();
  }

  private static String text(Path path, Report report) {
    StringBuilder text = new StringBuilder();
    text.append(path)
        .append(report.replicates() ? ": can be replicated" : ": CANNOT BE REPLICATED AS IT IS")
        .append('\n');
    TextTable facts = new TextTable();
    new TreeMap<>(report.facts()).forEach((name, value) -> facts.row("  " + name, value));
    facts.row("  replicated tables", report.replicated().size());
    facts.appendTo(text);
    for (Finding finding : report.findings()) {
      text.append('\n')
          .append(finding.level())
          .append(", ")
          .append(RowText.printable(finding.subject()))
          .append(": ")
          .append(RowText.printable(finding.what()));
      if (!finding.advice().isEmpty()) {
        text.append("\n  -> ").append(RowText.printable(finding.advice()));
      }
    }
    return text.toString();
  }
}
