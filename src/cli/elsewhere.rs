//! Words of other tools for what orch calls otherwise.

/// How a task that needs no step is closed.
pub(super) const CLOSE: &str = "a step that is accepted makes a task done; one that you did yourself: type `orch edit ID`, and write `status = \"done\"`";

/// Commands of other tools, and what to type here.
pub(super) const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["close", "complete", "complete-task", "done", "finish", "resolve"], CLOSE),
    (
        &["claim", "exec", "execute", "implement", "start", "work"],
        "type `orch step`: it takes the next task; `orch step --task ID` takes that one",
    ),
    (&["auto", "loop"], "type `orch run`"),
    (&["add-task", "create", "issue", "new", "q", "task", "todo"], "type `orch add \"what to do\"`"),
    (
        &["delete", "drop", "remove", "remove-task", "rm"],
        "type `orch cancel ID`; what depends on it then says so",
    ),
    (
        &[
            "assign",
            "label",
            "modify",
            "move",
            "mv",
            "priority",
            "set",
            "set-status",
            "update",
            "update-task",
        ],
        "type `orch edit ID` with what changes: `orch edit --help` lists it",
    ),
    (
        &["add-dependency", "dep", "depend", "dependency", "deps", "link", "tree"],
        "type `orch edit ID --depends-on +OTHER`; `orch graph ID` shows what waits for what",
    ),
    (
        &["remove-dependency", "unlink"],
        "type `orch edit ID --depends-on` with those that stay, or `''` for none",
    ),
    (&["find", "grep", "query", "search"], "type `orch list --search TEXT`"),
    (&["ready"], "type `orch list --ready`"),
    (&["blocked"], "type `orch list --status blocked`"),
    (&["issues", "ls", "tasks", "tickets"], "type `orch list`"),
    (
        &["board", "browser", "dashboard", "kanban", "overview", "ui", "web"],
        "type `orch report -o report.html`",
    ),
    (&["cat", "get", "info", "view"], "type `orch show ID`"),
    (&["health", "progress", "stats"], "type `orch status`"),
    (&["history"], "type `orch log`"),
    (
        &["pull", "push", "sync"],
        "tasks are files in git: pull and push them with it; `orch step --push` lands by a push",
    ),
    (&["configure", "models", "settings"], "type `orch help config`, or `orch doctor -v`"),
    (&["breakdown", "decompose", "expand"], "type `orch split ID`"),
    (&["discuss", "parse-prd", "roadmap"], "type `orch plan`"),
    (
        &["memories", "memory", "remember"],
        "type `orch note learning \"…\"`; `orch notes` lists what is known",
    ),
    (&["reset", "restore", "revert", "rollback"], "type `orch undo`, or `orch undo RUN`"),
    (
        &["check", "lint", "test", "tests", "validate"],
        "type `orch gate` for the gates, `orch fsck` for the state",
    ),
    (&["onboard", "quickstart", "setup"], "type `orch init`"),
];
