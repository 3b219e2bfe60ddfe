//! The promise under fire, with a few seeds: `make faults` tries more.

use std::process::Command;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_counts_twice_under_fire() {
    let seeds = ["--seeds", "3", "--seconds", "10"];
    // With stores of its own, since it kills them.
    let run = Command::new(env!("CARGO_BIN_EXE_faults"))
        .args(seeds)
        .env_remove("TRIBUTARY_TEST_DATABASE_URL")
        .env_remove("TRIBUTARY_TEST_CLICKHOUSE_URL")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}\n{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(told.matches(": held").count(), 3, "{told}");
}
