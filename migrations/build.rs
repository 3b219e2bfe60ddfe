//! Makes cargo look again when an SQL file comes or changes: they are embedded at build time.

fn main() {
    println!("cargo:rerun-if-changed=postgres");
    println!("cargo:rerun-if-changed=clickhouse");
}
