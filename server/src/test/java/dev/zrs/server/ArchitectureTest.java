package dev.zrs.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

/** The picture in ARCHITECTURE.md, as rules. */
final class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.zrs");

  private static void mayNotUse(String module, String... others) {
    Assertions.assertThat(CLASSES.stream().anyMatch(each -> each.getPackageName().equals(module)))
        .as("classes of %s are looked at", module)
        .isTrue();
    noClasses()
        .that()
        .resideInAPackage(module + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(others)
        .check(CLASSES);
  }

  @Test
  void modules_use_only_what_the_picture_shows() {
    mayNotUse(
        "dev.zrs.pickle",
        "dev.zrs.resolution..",
        "dev.zrs.storage..",
        "dev.zrs.zeo..",
        "dev.zrs.replication..",
        "dev.zrs.zconfig..",
        "dev.zrs.server..");
    mayNotUse(
        "dev.zrs.resolution",
        "dev.zrs.storage..",
        "dev.zrs.zeo..",
        "dev.zrs.replication..",
        "dev.zrs.zconfig..",
        "dev.zrs.server..");
    mayNotUse(
        "dev.zrs.storage",
        "dev.zrs.zeo..",
        "dev.zrs.replication..",
        "dev.zrs.zconfig..",
        "dev.zrs.server..");
    mayNotUse("dev.zrs.zeo", "dev.zrs.replication..", "dev.zrs.zconfig..", "dev.zrs.server..");
    mayNotUse("dev.zrs.replication", "dev.zrs.zeo..", "dev.zrs.zconfig..", "dev.zrs.server..");
    mayNotUse(
        "dev.zrs.zconfig",
        "dev.zrs.pickle..",
        "dev.zrs.storage..",
        "dev.zrs.zeo..",
        "dev.zrs.replication..",
        "dev.zrs.server..");
  }

  @Test
  void only_what_wires_it_knows_zookeeper() {
    mayNotUse(
        "dev.zrs.zookeeper",
        "dev.zrs.pickle..",
        "dev.zrs.storage..",
        "dev.zrs.zeo..",
        "dev.zrs.replication..",
        "dev.zrs.zconfig..",
        "dev.zrs.server..");
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.zrs.zookeeper..", "dev.zrs.server.zookeeper..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.zrs.zookeeper..", "org.apache.zookeeper..", "org.apache.curator..")
        .check(CLASSES);
  }

  @Test
  void the_storage_knows_nothing_of_the_network() {
    mayNotUse("dev.zrs.storage", "java.net..");
    mayNotUse("dev.zrs.pickle", "java.net..", "java.nio.channels..");
  }

  @Test
  void nothing_is_read_by_Javas_own_serialization_or_found_by_reflection() {
    noClasses()
        .that()
        .resideInAPackage("dev.zrs..")
        // Its names are constants; javac knows no other way to the handlers of signals.
        .and()
        .doNotHaveFullyQualifiedName("dev.zrs.server.Signals")
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.io.ObjectInputStream")
        .orShould()
        .dependOnClassesThat()
        .resideInAPackage("java.lang.reflect..")
        .check(CLASSES);
  }
}
