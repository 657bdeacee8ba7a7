//! Entry point of `kubectl ext`.

use std::process::ExitCode;

fn main() -> ExitCode {
    extension_registry_cli::main()
}
