//! `orch report`: one page about everything, as a file, on standard output, as a summary and for programs.

use crate::sandbox::{Sandbox, agent};

#[test]
fn one_page_tells_of_everything_that_was_done() {
    let sandbox = Sandbox::with(&[agent("echo 'cost_usd: 0.25' > $ORCH_OUTCOME; echo done > src/code")]);
    sandbox.task("t-1", "Say <b>hello</b> & more", &[]);
    sandbox.task("t-2", "Wait for it", &["--depends-on", "t-1"]);
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    let page = sandbox.quietly(&["report"]);
    assert_eq!((page.code, page.stderr.as_str()), (0, ""));
    assert!(page.stdout.starts_with("<!doctype html>\n") && page.stdout.ends_with("</html>\n"));
    assert!(
        page.stdout.contains("Say &lt;b&gt;hello&lt;/b&gt; &amp; more") && !page.stdout.contains("<b>hello")
    );
    assert!(page.stdout.contains("all gates passed") && page.stdout.contains("$0.25"));
    let said = sandbox.quietly(&["report", "-o", "report.html"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "wrote report.html\n"));
    // The clock of the sandbox goes on with each command.
    assert_eq!(sandbox.read("report.html").lines().count(), page.stdout.lines().count());
    let summary = sandbox.quietly(&["report", "--markdown"]);
    assert!(summary.stdout.starts_with("### repo") && summary.stdout.contains("| `t-1` Say &lt;b>hello"));
    assert_eq!(summary.stdout.matches("```").count(), 2, "{}", summary.stdout);
    let data = sandbox.quietly(&["report", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&data.stdout).expect("one document");
    assert_eq!(read["schema"], "orch.report/1");
    assert_eq!(
        (&read["data"]["steps"][0]["task"], &read["data"]["profiles"][0]["cost_usd"]),
        (&"t-1".into(), &0.25.into())
    );
    assert_eq!(sandbox.quietly(&["report", "--since", "never"]).code, 2);
}
