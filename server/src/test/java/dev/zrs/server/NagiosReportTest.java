package dev.zrs.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The shapes of output; that they are zc.zrs's is shown beside it, in interop. */
final class NagiosReportTest {
  private static NagiosReport report(long warning, long error, boolean metrics) {
    return new NagiosReport(warning, error, metrics);
  }

  private static NagiosReport with(long warning, long error, Lag lag) {
    NagiosReport report = report(warning, error, false);
    report.add("1", lag);
    return report;
  }

  @Test
  void the_limit_that_is_exceeded_is_named_and_decides() {
    Lag lag = new Lag.Behind(68.5678);
    String behind = "Secondary behind primary by 68.5678 seconds";
    assertThat(with(99, 0, lag).text()).isEqualTo(behind + "\n");
    assertThat(with(99, 0, lag).code()).isZero();
    assertThat(with(30, 99, lag).text()).isEqualTo(behind + " > 30\n");
    assertThat(with(30, 99, lag).code()).isEqualTo(1);
    assertThat(with(30, 44, lag).text()).isEqualTo(behind + " > 44\n");
    assertThat(with(30, 44, lag).code()).isEqualTo(2);
    assertThat(with(0, 44, lag).code()).isEqualTo(2);
    assertThat(with(0, 0, lag).code()).isZero();
  }

  @Test
  void where_the_primary_does_not_say_the_longer_time_counts() {
    NagiosReport report = with(30, 0, new Lag.Unsure(3, 7200, "register: no\n\tsuch | storage"));
    assertThat(report.code()).isEqualTo(1);
    assertThat(report.text())
        .isEqualTo(
            "Secondary behind primary by 7200.0000 seconds > 30 (at most; at least 3.0000; the"
                + " primary does not say since when: register: no such / storage)\n");
  }

  @Test
  void a_server_can_not_fill_the_line() {
    assertThat(with(1, 1, new Lag.Unsure(0, 0, "x".repeat(100_000))).text()).hasSizeLessThan(700);
  }

  @Test
  void a_primary_without_what_the_secondary_has_is_an_error() {
    NagiosReport report = report(0, 0, true);
    report.add("1", new Lag.Ahead(0.25));
    assertThat(report.text())
        .isEqualTo("Primary behind secondary by -0.25 seconds|'lag'=-0.2500seconds\n");
    assertThat(report.code()).isEqualTo(2);
  }

  @Test
  void nothing_to_send_is_level_and_says_why() {
    NagiosReport report = report(1, 2, true);
    report.add("1", new Lag.NothingToSend());
    assertThat(report.text())
        .isEqualTo(
            "Secondary up to date. The primary names a later transaction, but has nothing of"
                + " it.|'lag'=0.0000seconds\n");
    assertThat(report.code()).isZero();
  }

  @Test
  void several_storages_have_their_metrics_at_the_end_of_the_first_and_last_line() {
    NagiosReport report = report(33, 99, true);
    report.add("1", new Lag.Level());
    report.add("it's", new Lag.Behind(68.5678));
    report.onlyIn("primary", "secondary", "friday");
    report.add("second", new Lag.Level());
    report.onlyIn("secondary", "primary", "thursday");
    assertThat(report.text())
        .isEqualTo(
            """
            Secondary up to date.|'lag'=0.0000seconds
            Secondary ("it's") behind primary by 68.5678 seconds > 33
            Storage 'friday' in primary, but not secondary
            Secondary ('second') up to date.
            Storage 'thursday' in secondary, but not primary| 'lagit's'=68.5678seconds
             'lagsecond'=0.0000seconds
            """);
    assertThat(report.code()).isEqualTo(2);
  }

  @Test
  void two_servers_without_storages_are_a_warning() {
    NagiosReport report = report(1, 1, true);
    report.noStorages();
    assertThat(report.text()).isEqualTo("No storages\n");
    assertThat(report.code()).isEqualTo(1);
  }
}
