//! Habits of proc-macros.

use crate::habits::hold;
use crate::table::env;
use larder_test::habits::macros;

#[test]
fn the_table_of_macros() {
    let env = env();
    let project = macros::project(&env, macros::HABITS);
    hold(&project, macros::HABITS, "lib");
}
