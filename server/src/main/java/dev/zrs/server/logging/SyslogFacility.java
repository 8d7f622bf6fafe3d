package dev.zrs.server.logging;

/** What of a system a message is about, in the words of syslog that ZConfig takes. */
public enum SyslogFacility {
  KERN(0),
  USER(1),
  MAIL(2),
  DAEMON(3),
  AUTH(4),
  SYSLOG(5),
  LPR(6),
  NEWS(7),
  UUCP(8),
  CRON(9),
  AUTHPRIV(10),
  SECURITY(13),
  LOCAL0(16),
  LOCAL1(17),
  LOCAL2(18),
  LOCAL3(19),
  LOCAL4(20),
  LOCAL5(21),
  LOCAL6(22),
  LOCAL7(23);

  private final int number;

  SyslogFacility(int number) {
    this.number = number;
  }

  /**
   * The number before a message of this level; Python takes a level that it lacks for a warning.
   */
  int priority(int level) {
    int severity =
        switch (level) {
          case PythonLevel.CRITICAL_NUMBER -> 2;
          case PythonLevel.ERROR -> 3;
          case PythonLevel.INFO -> 6;
          case PythonLevel.DEBUG -> 7;
          default -> 4;
        };
    return number << 3 | severity;
  }
}
