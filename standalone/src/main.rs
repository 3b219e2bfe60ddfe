//! The binary `tributary`: reads the command line and hands over to the library.

fn main() -> std::process::ExitCode {
    standalone::commands::main()
}
