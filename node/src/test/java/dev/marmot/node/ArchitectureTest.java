package dev.marmot.node;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.marmot.raft.LogId;
import dev.marmot.sqlite.RowKey;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which part may know which. */
class ArchitectureTest {
  private static final JavaClasses MARMOT = marmot();

  /** Libraries are named, not read: reading them takes most of a minute. */
  private static JavaClasses marmot() {
    ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
    return new ClassFileImporter()
        .importUrls(
            Stream.of(Node.class, LogId.class, RowKey.class)
                .map(ArchitectureTest::module)
                .toList());
  }

  private static URL module(Class<?> member) {
    return member.getProtectionDomain().getCodeSource().getLocation();
  }

  @Test
  void allModules_areRead() {
    assertThat(MARMOT.stream().map(JavaClass::getPackageName))
        .contains("dev.marmot.node.cli", "dev.marmot.raft", "dev.marmot.sqlite.sample");
  }

  @Test
  void raftAndSqlite_neverSeeEachOther() {
    noClasses()
        .that()
        .resideInAPackage("dev.marmot.raft..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.marmot.sqlite..", "dev.marmot.node..")
        .check(MARMOT);
    noClasses()
        .that()
        .resideInAPackage("dev.marmot.sqlite..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.marmot.raft..", "dev.marmot.node..")
        .check(MARMOT);
  }

  @Test
  void ratis_isKnownToOnePackage() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.marmot.raft.ratis..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.ratis..")
        .check(MARMOT);
  }

  @Test
  void jdbc_isKnownToSqliteOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.marmot.sqlite..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.sql..", "org.sqlite..")
        .check(MARMOT);
  }

  @Test
  void commandLine_isKnownToNobody() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.marmot.node.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.marmot.node.cli..")
        .check(MARMOT);
  }

  @Test
  void replication_knowsOnlyTheTwoInterfaces() {
    noClasses()
        .that()
        .resideInAPackage("dev.marmot.node.replication..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.marmot.raft.ratis..", "dev.marmot.sqlite.store..", "dev.marmot.node.control..")
        .allowEmptyShould(true)
        .check(MARMOT);
  }

  @Test
  void packages_haveNoCycles() {
    slices().matching("dev.marmot.(**)").should().beFreeOfCycles().check(MARMOT);
  }

  /** Closing any descriptor of a database file drops SQLite's locks on it. */
  @Test
  void sqlite_opensFilesItselfInTwoClassesAtMost() {
    classes()
        .that()
        .resideInAPackage("dev.marmot.sqlite..")
        .should()
        .onlyDependOnClassesThat(
            new com.tngtech.archunit.base.DescribedPredicate<JavaClass>(
                "are not streams on files") {
              @Override
              public boolean test(JavaClass used) {
                return !used.isEquivalentTo(java.io.RandomAccessFile.class)
                    && !used.isEquivalentTo(java.io.FileInputStream.class)
                    && !used.isEquivalentTo(java.io.FileOutputStream.class);
              }
            })
        .check(MARMOT);
    assertThat(
            MARMOT.stream()
                .filter(type -> type.getPackageName().startsWith("dev.marmot.sqlite"))
                .filter(
                    type ->
                        type.getDirectDependenciesFromSelf().stream()
                            .anyMatch(d -> d.getTargetClass().isEquivalentTo(FileChannel.class)))
                .map(JavaClass::getSimpleName))
        .as("the WAL is forced to disk, and a file beside the database is locked")
        .isSubsetOf("WalSync", "DatabaseLock");
  }
}
