//! The first thing that a newcomer sees.

use crate::sandbox::Sandbox;
use crate::transcript;

#[test]
fn the_demo_shows_a_cheat_that_is_rejected_and_a_plan_that_gets_done() {
    let mut sandbox = Sandbox::nowhere();
    assert!(sandbox.lend("sed") && sandbox.lend("tr"), "its agent and its tests are shell scripts");
    let dir = sandbox.root().join("demo");
    let shown = sandbox.orch(&["demo", &dir.to_string_lossy()]);
    assert_eq!((shown.code, shown.stderr.contains("warning")), (0, false), "{}", shown.stderr);
    sandbox.enter(dir);
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    transcript!(sandbox);
}
