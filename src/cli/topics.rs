//! `orch help TOPIC`: what belongs to no single command.
//!
//! Each topic is a hidden command whose help is the text, so that clap's own `help` finds it.

use super::output::Answer;
use crate::config::read::DEFAULT_TOML;
use serde_json::json;

/// How a topic is printed: its text and nothing else.
pub(super) const TEMPLATE: &str = "{about}";

/// A topic as an answer, when it is typed as a command.
pub(super) fn answer(name: &str, text: &str) -> Answer {
    Answer::ok(json!({"topic": name, "text": text}), format!("{text}\n"))
}

/// The configuration: an example, and every key.
pub(super) fn config() -> String {
    format!("{CONFIG}\n{}", DEFAULT_TOML.trim_end())
}

const CONFIG: &str = "\
The configuration: `.orchestrator/config.toml`, committed: steps read it from the commit that they
start from. An unknown key is an error. `orch doctor -v` shows where each value came from, `orch
trust` which commands it names. An agent and a gate, for example:

  [[agent]]
  name = \"script\"
  adapter = \"command\"             # any program: it reads its prompt, changes files, and ends
  command = [\"./tools/agent.sh\"]
  capability = 7                  # the highest complexity that it is trusted with, 1..10

  [[gate]]
  name = \"test\"
  run = \"make test\"               # by `sh -c`; exit status 0 is a pass
  timeout = \"5m\"

Every key, with its default ([defaults.agent] and [defaults.gate] are what an [[agent]] and a
[[gate]] have that say nothing else; a file of yours cannot have these two):
";

/// How the program ends.
pub(super) const EXIT_CODES: &str = "\
Exit codes. The tens digit is the class; --ci makes green what needs no person.

code  name          meaning                                            with --ci
   0  ok            accepted; or the question was answered             0
   1  error         orch could not do it                               1
   2  usage         bad flags                                          2
   3  invalid       configuration or state cannot be used              3
   4  no_project    not a git repository, or no .orchestrator          4
  10  idle          everything is done                                 0
  11  waiting       tasks remain, none runnable                        0
  12  busy          another step is at work, or the branch moved       0
  13  paused        agents rest, or a budget is spent                  0
  20  rejected      a gate rejected the work; recorded                 0 or 20
  21  agent_failed  the agent crashed, refused or changed nothing      0 or 21
  22  agent_timeout the agent did not end in time                      0 or 22
  23  needs_review  the gates passed; a person has to look             0
  30  no_agent      no agent is there, or its commands not trusted     30
  31  git           the repository is not in a state to work on        31
 130  interrupted                                                      130
 143  terminated                                                       143

`0 or 20`: 0 while policy.max_steps_per_task leaves steps. `run` ends with the code of
what ended it, and with 0 at a limit of its own; with --wait it goes on where it would end
with 12, with 13 and a time that was told, or with 31 because the remote is away.
`while orch step; do :; done` ends.";

/// The built-in gates and what they find.
pub(super) const GATES: &str = "\
Gates of the configuration (`orch gate --explain` shows in which order they run).

They see exactly the candidate, in a checkout that no agent works in. What git ignores is
removed from it before each candidate, but for what [workspace] keep names; `clean = true`
on a gate keeps nothing. Gates that do not need each other run at one time, at most
[policy] gate_jobs.
  needs = [\"build\"]    it runs when these have passed
  metric = {...}       a number in its output, with min and max: the last that its regex finds;
                       of one that is named `passed`, the sum of all, at least 1 unless min = 0,
                       and not fewer than on the base, but for tests that went with what they
                       tested or into others;
                       with a group (?<each>...) it is how often the regex is found
  junit = \"out.xml\"    tests: none may fail, one has to run, not fewer than on the base, as there
  coverage = { file = \"lcov.info\", min = 85, changed_min = 90, max_drop = 0.5 }
                       lines in per cent: of all, of those that the change touches, below
                       the base; LCOV, Cobertura, JaCoCo, Go, coverage.py, istanbul, llvm-cov
  red-green = true     feature and bug: the change's test files alone, on the base, have to
                       make it fail ([project] tests says which files hold tests)
  retries = 1          a pass at a later try is recorded as flaky, and counted by
                       `orch trends`, `status` and `report`
  cache = false        it runs again also on a tree that it has passed

Built-in gates, beside those:

How the agent ended; nobody can allow these:
  execution          it ended by itself, and well
  timeliness         it ended in time
  reply              what it left as its outcome can be read
  state              nothing under .orchestrator/ was touched
  protected          no protected path was touched
  unfit              git takes its files in (line ends, encodings, filters, up to 512 MiB each);
                     asked where one is not, which is kept as it is, or (too large) left out

What it changed (base tree against candidate). Each finding has a name:
  escape             link-escapes, nested-repository, path-too-long, submodule-changed,
                     treacherous-name
  conflict-markers   a merge was left unresolved
  large-file         a file that nobody can look into; reported from 1 MiB on
  secrets            keys and passwords, never shown whole
  invisible-characters   in added lines
  portability        case-collision; reported: unportable-name, mode-changed
  scope              reported: what lies outside the task's `files`
  tamper             what judges the work was bent:
    tests-changed      all of these: tests-removed, tests-skipped, tests-focused,
                       tests-weakened, expectations-changed, tests-mocked, snapshots-changed
    other names        harness-changed, test-detected, threshold-lowered, checks-bypassed,
                       checks-suppressed, checks-changed, gate-changed
  change             nothing was changed

The repository's own hooks are asked as well, and recorded like gates. They are those of
`.git/hooks`, or of `core.hooksPath`: as the base has them where they are tracked, with what husky
makes beside them. With --in-place they are held before the agent begins. One that cannot run is
told, here and by doctor.
  pre-commit         after the gates; what it changes is judged once more. Where gates run
                     again (the branch moved, an approval, a pull request) it runs again,
                     and then what it would change rejects
  commit-msg         sees the message, also before work waits for a review; it may add to it

gate-changed is about what the gates of config.toml, `workspace.setup` and the hooks call, as the
base has it: the recipes that `make` or `just` would run, the scripts of package.json (those that
installing runs as well), shell and other scripts, and the scripts that those call. They may get
more, not less: a recipe or a script that stops at failures may go on at its end, a compiler may
get more files, a test file more tests. Anything else rejects, also a new file that is taken
instead (GNUmakefile, .npmrc, a json.py that pytest would import), or a new script that installing
runs, \"prepare\": \"husky\" as well: what it calls comes from packages that the change may name. A
task's `files` allow nothing: a planner writes those, too. A script in another language that is
not named as a check may as well be what is checked (`python3 app.py`): it is reported. Programs
that are only on PATH are not followed.

A person decides otherwise by the name of a finding or of a gate:
  for one task       orch edit ID --allow tests-changed  (it is reported only)
  for all tasks      [policy] allow = [\"mode-changed\"]   (reported only)
                     [policy] deny = [\"scope\"]           (rejects)
The nearest word counts: the task's, then `deny`, then `allow`. All of it is read from the
base commit, so no agent can allow itself anything.";

/// Variables, orch's own and an agent's.
pub(super) const ENVIRONMENT: &str = "\
Environment variables.

Read by orch:
  ORCH_TRUST=1      trust the commands of this repository, for this call (as --trust)
  ORCH_FORMAT       human, json, jsonl or md (as --format)
  ORCH_COLOR        auto, always or never (as --color)
  ORCH_LOG_FORMAT   human or json (as --log-format)
  NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM, COLUMNS, TMPDIR, VISUAL, EDITOR   as usual
  XDG_CONFIG_HOME   your own settings: orch/config.toml below it (~/.config)
  XDG_STATE_HOME    workspaces and trust: orch/ below it (~/.local/state)
  GITHUB_ACTIONS    with --ci: annotations on standard error; no text of others is a command there
  ORCH_PUSH_TOKEN   by which git pushes in CI; no agent, gate or hook sees it
  ORCH_WEBHOOK_SECRET  what `orch ingest` checks payloads with (or --secret-file)
One that is set to nothing counts as one that is not set.

Seen by an agent (adapters `shell` and `command`), beside PATH, HOME, LANG, TERM, TMPDIR
and what its profile names in `env`:
  ORCH_TASK         the task's id
  ORCH_RUN          the run's id
  ORCH_ATTEMPT      1, 2, ...
  ORCH_PROMPT_FILE  a file that holds the prompt
  ORCH_OUTCOME      where it may write its outcome (see `orch help formats`)

Seen by a gate, beside the first five and what it names in `env`:
  ORCH_GATE         its name

Nothing else of the environment reaches an agent or a gate, but ORCH_PROCESS, by which orch
knows what they started.";

/// Where everything lies.
pub(super) const FILES: &str = "\
Files.

Committed, one entity a file:
  .orchestrator/config.toml                  agents, gates, policy
  .orchestrator/tasks/**/<id>.toml           tasks, at any depth
  .orchestrator/notes/<id>.yaml              decisions, constraints, hypotheses, learnings
  .orchestrator/checkpoints/<task>/<n>.yaml  what the next attempt has to know
  .orchestrator/runs/<yyyy-mm>/<run>.toml    one record per step, never edited

In the repository, not in its work tree:
  refs/orch/attempts/<run>   work that is not on the branch; push it to share it
  refs/orch/leases/<task>    who is at work on it, and until when
  refs/orch/held/<slot>      what a step at work has made, so that git's upkeep leaves it alone
  .git/orch/                 locks and journals of the steps in flight, prompts, a cache
  .git/orch/gates/           passes that are remembered; may be removed at any time

Outside:
  $XDG_STATE_HOME/orch/             workspaces; trust.toml, what `orch trust` allowed
  $XDG_CONFIG_HOME/orch/config.toml your own settings: add agents, tighten, never loosen;
                                    `[workspace] root` moves the workspaces, each repository's
                                    to a folder of its own";

/// What is printed, and what an agent may write.
pub(super) const FORMATS: &str = "\
Formats.

--format human   for people (the default)
--format json    one document on standard output, on failure too; --json for short:
                 {\"schema\": \"orch.step/1\", \"ok\": false, \"exit\": 20, \"code\": \"rejected\",
                  \"data\": {...}, \"warnings\": [...]}
--format jsonl   one object a line as things happen, {\"event\": \"end\", ...} last
--format md      Markdown, for a CI job's summary
`orch graph` also draws dot, mermaid, svg and text.
--format openmetrics   of `orch status`: metrics, in the text of OpenMetrics
--format otlp          of `orch show RUN` or of a task: a trace, as OTLP has it in JSON, with
                       the names that OpenTelemetry has for generative AI

Standard output is data, standard error is talk; -q leaves out the talk.
--log-format json      talk as objects, one a line: time, severity, event, and what it tells

An agent may write YAML to $ORCH_OUTCOME:
  summary: what was done, in a few lines
  blocked: why somebody else has to act first
  notes: [{kind: learning, topic: api, text: ...}]
  follow_ups: [{title: ..., body: ..., kind: bug, depends_on: []}]
  tokens: {input: 0, cached: 0, output: 0}
  cost_usd: 0.0";

/// How far agents are confined.
pub(super) const SANDBOX: &str = "\
How far an agent is confined: `sandbox` of its profile. The level is told by the step and
kept in the run record.

  none      not at all; what it leaves running is ended after the step
  landlock  (Linux 5.13) writes only in the workspace, in the agent's own folders of your
            home, and in temporary folders; signals no other process. It still reads
            everything, and may write to the workspace's .git and protected paths: such
            changes never land, as ever.
  bwrap     (bubblewrap, user namespaces) sees the system, its workspace, its own folders
            and the tools in your home, read-only; not the rest of your home, your checkout,
            temporary folders, sockets below /run, or other processes. The workspace's .git,
            protected paths and agents' settings are read-only, there or not. Everything
            ends with orch, however that ends.
  auto      (default) the best of them that works here. For a `command` whose program orch
            does not know: landlock, for its writes alone, since what it reads is not known.
            For the built-in shell: none, since what it runs is trusted word for word.

Its own folders are those of its program: ~/.claude for claude, ~/.codex for codex. Any
other program may be a script around one of these agents, and gets the folders of all.
`writable = [\"~/.cargo/registry\"]` in a profile names more folders that it may write, such as
caches of cargo, npm or pip; `orch trust` asks about those of a repository. What it leaves
there your own builds use too: prefer a cache of its own, named by a variable in `env`.
None opens your checkout or its repository: a folder in them stays closed, and so does one
that they lie in, by landlock; bubblewrap opens that one and hides them in it.
`network = false` takes the network from a confined agent; landlock takes TCP alone.
A level that is named and does not work here ends the step (exit 30) before it costs
anything. An agent that confines its own tools cannot do so inside of these walls: Codex
is run without its own.";

/// What becomes of an agent's sessions.
pub(super) const SESSIONS: &str = "\
What becomes of an agent's sessions: each is watched while it works, and ends in a named way.

When a gate rejects its work, an agent goes on in the same session with the evidence alone,
up to [policy] max_attempts; one that cannot take up a session reads everything again.

[context], shares of the profile's context_window:
  compact_at = 0.80  the session is made smaller and goes on, where the agent can do that
                     (Claude Code); elsewhere a fresh session takes over here already
  rotate_at = 0.95   a fresh session takes over, in the same directory, with what was changed
                     and said last; a checkpoint of it lands with the step

What failed, by what the agent prints, and what follows:
  a limit (rate, usage)          the profile rests until the time that was told, else for
                                 1 minute and twice as long each time, up to 1 hour; every
                                 process of this clone knows. Another profile takes over in
                                 the same step; without one: exit 13, `retry_after` in JSON
                                 (`orch run --wait` goes on then). Of a `command` agent that
                                 ends with an error, what it says on standard error counts
  overloaded, server, network    tried again twice after a wait, then as with a limit
  no login, key, money, model    another profile takes over; without one, the next task is
                                 taken, and this profile is asked last for an hour; where
                                 nobody is left: exit 30, and what to type. `orch auth` says
                                 who is logged in. So too where a program that a path of the
                                 repository names is not there
  not installed                  passed over, whoever it is; where none is there: exit 30
  context full, session lost     a fresh session takes over, up to 5 times in a step, and only
                                 while each gets somewhere: two in a row that fill up and
                                 change nothing end the step (the task is too large)
  silent, too long               idle_timeout and timeout of the profile: exit 22
  anything else                  exit 21: refused, denied, crashed, unreadable
The same work that fails the same way in three steps is blocked, with a diagnosis; so is a
task whose last three steps in this clone left no record: they were killed, or could not land.
Who fails in the same words three times, and on more than one task, rests: a minute, then
twice as long each time, up to an hour.

[budget], in USD and in tokens of all kinds; absent: no limit:
  step_usd   task_usd   day_usd   month_usd
  step_tokens task_tokens day_tokens month_tokens
Looked at before a session starts and while it works; what was spent is summed up from run
records, and from steps of this clone that never landed (`orch undo` keeps the record, a
plain `git revert` takes it away with what it says was spent). A day and a month begin at
midnight UTC; when theirs is spent: exit 13 until then. A task whose budget is spent is
blocked. USD are the agent's own figure, else tokens by the profile's `price`; what has
neither no budget in USD counts, which step, status and doctor tell: set the price, or a
budget in tokens.

`orch agents` shows who is ready, rests until when, and has used what. `orch show RUN
--transcript` shows what a session printed, without secrets, as long as this clone keeps it.";

/// What a recipe does, and what a job of one's own has to.
pub(super) const CI: &str = "\
What a recipe does:
  - takes steps twice an hour, off the full hour; one job at a time
  - each step lands by a push of its own (--push): what a job did is on the remote, or nowhere
  - the token that pushes is in no file, and no agent sees it; neither does a gate
  - an agent sees the variables that its profile names in `env`, and these come from secrets
  - a commit of the state alone says `[skip ci]`: no other job need run for it
Its first lines say what it needs. A recipe that you change is yours: --write leaves it alone.

A job of your own:
  ORCH_TRUST=1   trusts the commands of the checkout, for this call
  --ci           red means that a person is needed: see `orch help exit-codes`
  --push         lands on the remote; a shallow clone is enough
  --in-place     works in the checkout itself, which has to be clean; keeps build caches
  --branch NAME  the target, where HEAD is detached; or `git switch -C NAME` first
  --format md    a summary for the job's page, on standard output

Examples:
  orch ci github --write
  orch ci systemd --write";

#[cfg(test)]
mod tests {
    use super::EXIT_CODES;
    use crate::cli::exit::Exit;

    #[test]
    fn every_exit_code_is_explained_with_its_name() {
        for exit in Exit::ALL {
            let (code, word) = exit.parts();
            let start = format!("{code} {word} ");
            let found = EXIT_CODES.lines().any(|line| {
                format!("{} ", line.split_whitespace().collect::<Vec<_>>().join(" ")).starts_with(&start)
            });
            assert!(found, "{start}");
        }
    }
}
