# Looks for inputs that break what reads files and messages, with Jazzer. Sourced by ./test.

# Each needs a JVM of its own. A new one is found by the name of its class, *Fuzz.
fuzz_targets() {
  grep -rl --include='*Fuzz.java' '@FuzzTest' */src/test/java | sort | while read -r file; do
    sed -n 's/^  void \([a-z_0-9]*\)(byte\[\] .*/\1/p' "$file" | while read -r method; do
      echo "${file%%/*} $(basename "$file" .java)#$method"
    done
  done
}

# Runs every target for the time $1, as Jazzer writes it. What is found is kept as a file below
# src/test/resources, and is tried again by every ./test; what is only interesting, in .cifuzz-corpus.
fuzz() {
  local module target failed=0
  while read -r module target; do
    echo "== fuzzing $target for $1"
    JAZZER_FUZZ=1 mvn -B -ntp -Dstyle.color=never -pl "$module" -am test-compile surefire:test@fuzz \
      -Dtest="$target" -Dsurefire.failIfNoSpecifiedTests=false -Djazzer.max_duration="$1" \
      >.build/fuzz.log 2>&1 </dev/null || failed=1
    # The last of Jazzer's own lines says how many inputs were tried.
    grep -hE 'Done [0-9]+ runs|== Java Exception|^Caused by' .build/fuzz.log "$module"/target/surefire-reports/*Fuzz-output.txt || true
    grep -E 'Tests run:|ERROR' .build/fuzz.log | head -20 || true
  done < <(fuzz_targets)
  return "$failed"
}
