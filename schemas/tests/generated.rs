//! The generated messages in the repository are those of the `.proto` files.
//! `UPDATE=1 cargo test -p schemas --test generated` writes them anew.

use std::{env, error::Error, fs, path::Path};

#[test]
fn generated_messages_are_those_of_the_proto_files() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = protox::compile(["tributary/v1/events.proto"], [root.join("proto")])?;
    let folder = tempfile::tempdir()?;
    // Records are passed on, not looked into: they stay where they are in the message.
    let mut config = prost_build::Config::new();
    config.bytes([".tributary.v1.EventBatch.records"]);
    config.out_dir(folder.path()).compile_fds(files)?;
    let made = fs::read_to_string(folder.path().join("tributary.v1.rs"))?;
    let kept = root.join("src/event/tributary.v1.rs");
    if env::var_os("UPDATE").is_some() {
        fs::write(&kept, &made)?;
    }
    assert_eq!(fs::read_to_string(&kept)?, made, "run it with UPDATE=1 and commit the result");
    Ok(())
}
