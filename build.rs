//! Has the templates built in anew whenever one of them changes.

fn main() {
    println!("cargo::rerun-if-changed=templates");
}
