//! Hands the arguments to the command line, returns its exit code.

fn main() -> std::process::ExitCode {
    ecsdeploy::cli::run(std::env::args_os())
}
