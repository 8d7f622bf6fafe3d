"""Adds up the reports of all test runs; the last line says how it went.

summary.py MAVEN_EXIT INTEROP_EXIT INTEROP_REPORT SUREFIRE_REPORT...
"""
import os
import sys
import xml.etree.ElementTree as ET


def count(path):
    """(passed, failed, skipped) of a JUnit report."""
    root = ET.parse(path).getroot()
    suites = [root] if root.tag == 'testsuite' else root.findall('testsuite')
    tests = failed = skipped = 0
    for suite in suites:
        tests += int(suite.get('tests', 0))
        failed += int(suite.get('failures', 0)) + int(suite.get('errors', 0))
        skipped += int(suite.get('skipped', 0))
    return tests - failed - skipped, failed, skipped


def main(maven, interop, interop_report, *reports):
    passed = failed = skipped = 0
    reports = [r for r in reports if os.path.exists(r)]
    if os.path.exists(interop_report):
        reports.append(interop_report)
    else:
        print('the interop tests left no report')
        failed += 1
    for report in reports:
        p, f, s = count(report)
        passed, failed, skipped = passed + p, failed + f, skipped + s
    if (maven != '0' or interop != '0') and not failed:
        print('the build failed (Maven %s, pytest %s); see .build/maven.log' % (maven, interop))
        failed += 1
    if not passed and not failed:
        print('no test was run')
        failed += 1
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
