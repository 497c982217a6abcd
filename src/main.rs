//! The door: everything else is in the library.

fn main() -> std::process::ExitCode {
    hj212d::daemon::run()
}
