//! What the adapters make of the real CLIs: each is called as its adapter says, the model does what can go
//! wrong, and the adapter names it.

use crate::model::{Answer, Asked, Failure, Model, cut, fail, in_turn, junk, say, shell};
use crate::place::{Cli, Place, Said, now};
use orch::agent::failure::FailureKind;
use orch::agent::sandbox::Level;
use orch::agent::stream::{Session, Signal, Spent};
use orch::agent::{Brief, Known, invocation, listener};
use orch::config::{Adapter, Profile};
use orch::effects::{Ended, Finished, Invocation};
use orch::state::id::TaskId;
use orch::state::task::Task;
use std::fs;
use std::path::{Path, PathBuf};

/// What was heard, and what the CLI itself said.
struct Heard {
    signals: Vec<Signal>,
    said: Said,
}

impl Heard {
    fn failure(&self) -> Option<&orch::agent::failure::Failure> {
        self.signals
            .iter()
            .find_map(|signal| if let Signal::Failed(failure) = signal { Some(failure) } else { None })
    }

    fn spent(&self) -> Spent {
        let spent = |signal: &Signal| if let Signal::Spent(spent) = signal { Some(*spent) } else { None };
        self.signals.iter().rev().find_map(spent).unwrap_or_default()
    }

    fn told(&self) -> String {
        format!("{:#?}\n{}", self.signals, self.said.told())
    }
}

fn adapter(cli: Cli) -> Adapter {
    match cli {
        Cli::Claude => Adapter::Claude,
        Cli::Codex => Adapter::Codex,
        Cli::Copilot => Adapter::Copilot,
        Cli::Gemini => Adapter::Gemini,
        Cli::Opencode => Adapter::Opencode,
    }
}

/// Calls the CLI as its adapter says, and listens.
fn hear(place: &Place, cli: Cli, session: Session, earlier: Spent) -> Heard {
    let mut profile = Profile::new("real", adapter(cli));
    profile.model = Some(cli.model().to_owned());
    let task = Task::new(TaskId::new("make").expect("an id"), "Make a file");
    let outcome = place.path("tmp/outcome");
    fs::create_dir_all(&outcome).expect("a folder");
    let brief = Brief {
        task: &task,
        run: "01JD",
        attempt: 1,
        prompt: "Make a file.\n",
        dir: place.path("repo"),
        confined: Level::None,
        prompt_file: outcome.join("prompt"),
        outcome_file: outcome.join("outcome"),
        base_env: Vec::new(),
        profile_env: Vec::new(),
        session: session.clone(),
        budget_usd: None,
    };
    let called = invocation(&profile, &brief).expect("it is driven");
    let zone = || jiff::tz::TimeZone::UTC;
    let (prompt, dir) = (String::new(), place.path("repo"));
    let known = Known { session, prompt, dir, earlier, now: jiff::Timestamp::now(), zone };
    let mut listener = listener(&profile, &known);
    let file = |ends: Option<String>| ends.and_then(|ends| find(&place.path("home"), &ends));
    let stood = file(listener.follows()).map_or(0, |path| fs::read(path).expect("a file").len());
    let said = call(place, &called);
    let mut signals = Vec::new();
    let mut signal = |signal| signals.push(signal);
    for line in said.stdout.lines() {
        listener.line(line.as_bytes(), &mut signal);
    }
    if let Some(path) = file(listener.follows()) {
        for line in fs::read(path).expect("a file")[stood..].split(|byte| *byte == b'\n') {
            listener.side_line(line, &mut signal);
        }
    }
    let ended = if said.code < 0 { Ended::Signalled(-said.code) } else { Ended::Exited(said.code) };
    let (stdout, stderr) = (said.stdout.clone().into_bytes(), said.stderr.clone().into_bytes());
    listener.end(&Finished { ended, stdout, stderr, duration_ms: 1, survivors: 0 }, &mut signal);
    Heard { signals, said }
}

fn call(place: &Place, called: &Invocation) -> Said {
    let argv: Vec<&str> = called.argv.iter().map(String::as_str).collect();
    place.run_with(&argv, &called.env, &String::from_utf8_lossy(called.stdin.text()))
}

fn find(dir: &Path, ends: &str) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.into_iter().find_map(|path| {
        if path.is_dir() { find(&path, ends) } else { path.to_string_lossy().ends_with(ends).then_some(path) }
    })
}

fn place(cli: Cli, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Option<(Place, Model)> {
    let mut place = Place::new(cli)?;
    let model = Model::new(script);
    place.point(cli, &model);
    if cli == Cli::Gemini {
        place.choose_gemini_key();
    }
    Some((place, model))
}

/// A call and its resumption: each says what itself has used, and the second knows the first.
fn resumes(cli: Cli) {
    let script = in_turn([shell("echo one > one.txt"), say("The first part."), say("The second part.")]);
    let Some((place, model)) = place(cli, script) else { return };
    let new = Session::named(&place.path("").to_string_lossy());
    let first = hear(&place, cli, new, Spent::default());
    let told = first.told();
    assert!(first.failure().is_none(), "{told}");
    assert_eq!(
        (first.spent().tokens.input, first.spent().tokens.cached, first.spent().tokens.output),
        (3_000, 16_000, 84),
        "{told}"
    );
    assert!(first.signals.contains(&Signal::Text("The first part.".to_owned())), "{told}");
    assert!(first.signals.contains(&Signal::Finished), "{told}");
    assert!(
        first.signals.iter().any(|signal| matches!(signal, Signal::Context { used: 9_500..=9_542, .. })),
        "{told}"
    );
    assert!(first.signals.iter().any(|signal| matches!(signal, Signal::Tool(_))), "{told}");
    let id = first
        .signals
        .iter()
        .find_map(|signal| if let Signal::Session(id) = signal { Some(id.clone()) } else { None });
    let id = id.unwrap_or_else(|| panic!("a session has an id: {told}"));
    let second = hear(&place, cli, Session::Resumed(id), first.spent());
    let told = second.told();
    assert!(second.failure().is_none(), "{told}");
    assert_eq!(
        (second.spent().tokens.input, second.spent().tokens.cached, second.spent().tokens.output),
        (1_500, 8_000, 42),
        "{told}"
    );
    assert!(model.asked().last().is_some_and(|asked| asked.contains("The first part.")), "{told}");
}

/// What a CLI's failure is taken for.
fn fails(cli: Cli, kind: FailureKind, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
    let Some((place, _model)) = place(cli, script) else { return };
    let heard = hear(&place, cli, Session::New, Spent::default());
    assert_eq!(heard.failure().map(|failure| failure.kind), Some(kind), "{}", heard.told());
}

fn always(answer: Answer) -> impl Fn(&Asked) -> Answer + Send + Sync {
    move |_| answer.clone()
}

macro_rules! heard {
    ($($name:ident: $cli:ident, $kind:ident, $answer:expr;)*) => {$(
        #[test]
        fn $name() {
            fails(Cli::$cli, FailureKind::$kind, always($answer));
        }
    )*};
}

heard! {
    claude_bad_key: Claude, BadKey, fail(Failure::BadKey);
    claude_no_model: Claude, UnknownModel, fail(Failure::NoModel);
    claude_too_long: Claude, ContextOverflow, fail(Failure::TooLong);
    claude_overloaded: Claude, Overloaded, fail(Failure::Overloaded);
    claude_rate_limit: Claude, RateLimit, fail(Failure::RateLimit { retry_after_s: 600 });
    claude_junk: Claude, Server, junk();
    codex_usage_limit: Codex, UsageLimit, fail(Failure::UsageLimit { resets_at: now() + 3_600 });
    codex_bad_key: Codex, BadKey, fail(Failure::BadKey);
    codex_no_model: Codex, UnknownModel, fail(Failure::NoModel);
    codex_too_long: Codex, ContextOverflow, fail(Failure::TooLong);
    codex_overloaded: Codex, Overloaded, fail(Failure::Overloaded);
    codex_cut: Codex, Cut, cut();
    copilot_bad_key: Copilot, BadKey, fail(Failure::BadKey);
    copilot_too_long: Copilot, ContextOverflow, fail(Failure::TooLong);
    gemini_bad_key: Gemini, BadKey, fail(Failure::BadKey);
    gemini_usage_limit: Gemini, UsageLimit, fail(Failure::UsageLimit { resets_at: now() + 3_600 });
    opencode_bad_key: Opencode, BadKey, fail(Failure::BadKey);
    opencode_no_model: Opencode, UnknownModel, fail(Failure::NoModel);
}

#[test]
fn claude_code_is_heard_and_resumed() {
    resumes(Cli::Claude);
}

#[test]
fn codex_is_heard_and_resumed() {
    resumes(Cli::Codex);
}

#[test]
fn copilot_is_heard_and_resumed() {
    resumes(Cli::Copilot);
}

#[test]
fn opencode_is_heard_and_resumed() {
    resumes(Cli::Opencode);
}
