//! Prints the power table of the comparison of errors: `cargo bench --bench power`.

#[path = "../tests/common/power.rs"]
mod power;
#[path = "../tests/common/traffic.rs"]
mod traffic;

fn main() {
    print!("{}", power::table());
}
