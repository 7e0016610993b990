//! Routing, case by case.

use super::*;
use crate::route::need::{Facts, need};
use crate::route::past::Past;
use crate::state::digest::{Digest, sample};
use crate::state::id::TaskId;
use crate::state::run::OutcomeKind;
use crate::state::task::Kind;
use std::fmt::Write as _;

fn profile(name: &str, capability: u8, scale: f64) -> Profile {
    Profile {
        capability,
        price: (scale > 0.0).then_some(Price { input: scale, cached: scale / 10.0, output: 5.0 * scale }),
        context_window: Some(200_000),
        ..Profile::new(name, Adapter::Command)
    }
}

/// Three that can be told apart.
fn three() -> Vec<Profile> {
    vec![profile("large", 10, 10.0), profile("small", 4, 0.5), profile("middle", 7, 2.0)]
}

fn task(complexity: u8) -> Task {
    Task {
        complexity: Some(complexity),
        kind: Kind::Bug,
        ..Task::new(TaskId::new("t-1").unwrap(), "Mend it")
    }
}

struct Asked {
    profiles: Vec<Profile>,
    task: Task,
    runs: Vec<Digest>,
    cooldowns: Vec<(String, Timestamp)>,
    busy: Vec<(String, u32)>,
    missing: Vec<String>,
    unusable: Vec<(String, String)>,
    formula: u64,
    wanted: Option<&'static str>,
}

impl Asked {
    fn new(complexity: u8) -> Self {
        Self {
            profiles: three(),
            task: task(complexity),
            runs: Vec::new(),
            cooldowns: Vec::new(),
            busy: Vec::new(),
            missing: Vec::new(),
            unusable: Vec::new(),
            formula: 46_800,
            wanted: None,
        }
    }

    fn route(&self) -> Route {
        let offer = |profile| Offer { profile, price: profile.price, window: profile.context_window };
        let offers: Vec<Offer<'_>> = self.profiles.iter().map(offer).collect();
        let past = Past::new(&self.runs, |_| Some(Kind::Bug));
        choose(&Query {
            task: &self.task,
            need: &need(&self.task, &Facts::default()),
            formula: self.formula,
            offers: &offers,
            past: &past,
            task_share: 0.5,
            cooldowns: &self.cooldowns,
            busy: &self.busy,
            missing: &self.missing,
            unusable: &self.unusable,
            now: now(),
            wanted: self.wanted,
        })
    }

    fn name(&self) -> String {
        let route = self.route();
        route.chosen.map_or_else(|why| format!("{why:?}"), |at| route.candidates[at].name.clone())
    }
}

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

fn runs(of: &[(&str, OutcomeKind, usize)], task: &str) -> Vec<Digest> {
    let mut all = Vec::new();
    for (agent, outcome, times) in of {
        for _ in 0..*times {
            let day = 27 - all.len() / 24;
            let started = format!("2026-11-{day:02}T{:02}:00:00Z", 23 - all.len() % 24);
            all.push(Digest {
                task: TaskId::new(task).unwrap(),
                cost_usd: None,
                ..sample(&started, agent, *outcome)
            });
        }
    }
    all
}

#[test]
fn the_cheapest_that_is_trusted_with_it_does_it() {
    let chosen: Vec<String> = [1, 4, 5, 7, 8, 10].map(|complexity| Asked::new(complexity).name()).into();
    assert_eq!(chosen, ["small", "small", "middle", "middle", "large", "large"]);
}

#[test]
fn every_candidate_has_its_numbers_and_the_choice_its_reason() {
    let route = Asked::new(5).route();
    let mut table = String::new();
    for each in &route.candidates {
        let refusal = each.refusal.as_ref().map_or(String::new(), Refusal::spell);
        let _ = writeln!(
            table,
            "{} {} accept {:.2} step {:.3} accepted {:.3} steps {:.2} ({refusal})",
            each.name,
            each.capability,
            each.accept,
            each.run_usd.unwrap_or_default(),
            each.expected_usd.unwrap_or_default(),
            each.expected_steps
        );
    }
    let _ = write!(table, "{}", route.because);
    insta::assert_snapshot!(table, @r"
    large 10 accept 0.95 step 1.030 accepted 1.084 steps 1.05 ()
    small 4 accept 0.60 step 0.051 accepted 0.051 steps 1.00 (not trusted with it)
    middle 7 accept 0.85 step 0.206 accepted 0.368 steps 1.16 ()
    needs 5 (complexity 5); 0.37 USD for an accepted task, up to 1.08 with the others
    ");
}

#[test]
fn a_cheap_profile_that_keeps_failing_is_not_cheap() {
    let mut asked = Asked::new(3);
    // A step of the small one costs a quarter of the middle one's; it fails, and the middle one is called.
    asked.profiles[1].price = Some(Price { input: 1.8, cached: 0.18, output: 9.0 });
    assert_eq!(asked.name(), "small");
    asked.runs = runs(&[("small", OutcomeKind::Rejected, 15), ("middle", OutcomeKind::Accepted, 15)], "t-9");
    assert_eq!(asked.name(), "middle");
}

#[test]
fn what_was_rejected_goes_to_a_stronger_one_until_there_is_none() {
    let mut asked = Asked::new(3);
    asked.runs = runs(&[("small", OutcomeKind::Rejected, 1)], "t-1");
    assert_eq!(asked.name(), "middle");
    assert!(asked.route().because.contains("stronger than what was rejected"));
    asked.runs = runs(&[("middle", OutcomeKind::Rejected, 1), ("small", OutcomeKind::Rejected, 1)], "t-1");
    assert_eq!(asked.name(), "large");
    asked.runs = runs(&[("large", OutcomeKind::Rejected, 1)], "t-1");
    assert_eq!(asked.name(), "small", "nobody is stronger than the strongest");
}

#[test]
fn who_never_tried_is_not_said_to_have_been_rejected() {
    let mut asked = Asked::new(3);
    asked.runs = runs(&[("middle", OutcomeKind::Rejected, 1)], "t-1");
    let route = asked.route();
    let refusals: Vec<Option<Refusal>> = route.candidates.iter().map(|each| each.refusal.clone()).collect();
    assert_eq!(refusals, [None, Some(Refusal::Outdone), Some(Refusal::HasTried)]);
    assert!(route.because.contains("stronger than what was rejected"), "{}", route.because);
}

#[test]
fn nobody_is_trusted_with_it_and_the_most_capable_does_it() {
    let mut asked = Asked::new(9);
    asked.profiles.remove(0);
    assert_eq!(asked.name(), "middle");
    assert!(asked.route().because.contains("the most capable, none is trusted with that"));
}

#[test]
fn who_rests_or_is_at_work_is_passed_over_and_waited_for() {
    let mut asked = Asked::new(3);
    let until: Timestamp = "2026-11-28T13:00:00Z".parse().unwrap();
    asked.cooldowns = vec![("small".to_owned(), until), ("large".to_owned(), now())];
    assert_eq!(asked.name(), "middle");
    asked.busy = vec![("middle".to_owned(), 1)];
    asked.runs = runs(&[("middle", OutcomeKind::Accepted, 5)], "t-9");
    assert_eq!(asked.name(), "large");
    asked.cooldowns = vec![("large".to_owned(), until)];
    asked.task = task(9);
    assert_eq!(asked.route().chosen, Err(NoRoute::Cooling(until)), "a weaker one does not take its place");
    asked.cooldowns.clear();
    asked.busy = vec![("large".to_owned(), 1)];
    assert_eq!(asked.route().chosen, Err(NoRoute::Busy));
}

#[test]
fn who_is_not_installed_does_nothing_and_nobody_waits_for_it() {
    let mut asked = Asked::new(9);
    asked.missing = vec!["large".to_owned()];
    asked.runs = runs(&[("middle", OutcomeKind::Rejected, 1)], "t-1");
    assert_eq!(asked.name(), "middle", "nobody who is there is stronger");
    asked.missing = ["large", "small", "middle"].map(str::to_owned).to_vec();
    assert_eq!(asked.route().chosen, Err(NoRoute::Missing(asked.missing.clone())));
    asked.wanted = Some("middle");
    assert_eq!(asked.name(), "middle", "a person is told what it takes");
    asked.wanted = None;
    asked.formula = 120_000;
    assert!(asked.name().contains("Oversized"), "it is too large, whoever is installed");
    asked.profiles[0].context_window = Some(1_000_000);
    assert!(asked.name().contains("Missing"), "{}", asked.name());
}

#[test]
fn one_as_strong_that_has_not_tried_yet_comes_first() {
    let mut asked = Asked::new(7);
    asked.profiles = vec![profile("one", 7, 1.0), profile("two", 7, 2.0), profile("small", 4, 0.5)];
    assert_eq!(asked.name(), "one");
    asked.runs = runs(&[("one", OutcomeKind::Rejected, 1)], "t-1");
    assert_eq!(asked.name(), "two");
    assert!(asked.route().because.contains("another one than was rejected"));
    asked.runs = runs(&[("one", OutcomeKind::Rejected, 1), ("two", OutcomeKind::Rejected, 1)], "t-1");
    assert_eq!(asked.name(), "one", "all have tried");
}

#[test]
fn a_strategist_stands_in_for_a_busy_worker_only_within_its_share() {
    let mut asked = Asked::new(3);
    asked.profiles = vec![profile("worker", 5, 1.0), profile("strategist", 9, 10.0)];
    asked.busy = vec![("worker".to_owned(), 1)];
    assert_eq!(asked.route().chosen, Err(NoRoute::Busy));
    asked.runs = runs(&[("worker", OutcomeKind::Accepted, 5)], "t-9");
    assert_eq!(asked.name(), "strategist");
    asked.runs =
        runs(&[("worker", OutcomeKind::Accepted, 5), ("strategist", OutcomeKind::Accepted, 1)], "t-9");
    assert_eq!(asked.route().chosen, Err(NoRoute::Busy));
    asked.task = task(9);
    assert_eq!(asked.name(), "strategist", "that is its own work");
}

#[test]
fn no_task_may_need_more_than_half_of_a_window() {
    let mut asked = Asked::new(3);
    asked.profiles[1].context_window = Some(90_000);
    assert_eq!(asked.name(), "middle");
    asked.formula = 120_000;
    let Err(NoRoute::Oversized(why)) = asked.route().chosen else { panic!("it is not oversized") };
    assert!(why.contains("about 120000 tokens") && why.contains("split it"), "{why}");
    let until: Timestamp = "2026-11-28T13:00:00Z".parse().unwrap();
    asked.cooldowns = vec![("small".to_owned(), until)];
    asked.busy = vec![("middle".to_owned(), 1)];
    assert!(asked.name().contains("Oversized"), "waiting makes no window larger: {}", asked.name());
    asked.wanted = Some("small");
    assert_eq!(asked.route().chosen, Err(NoRoute::Cooling(until)), "who is named rests all the same");
    asked.wanted = None;
    asked.profiles[0].context_window = None;
    assert_eq!(asked.name(), "large", "nothing is known against it");
}

#[test]
fn where_no_cost_is_known_the_least_that_is_enough_does_it() {
    let mut asked = Asked::new(3);
    for profile in &mut asked.profiles {
        profile.price = None;
    }
    assert_eq!(asked.name(), "small");
    assert!(asked.route().because.ends_with("no cost is known"));
}

#[test]
fn where_strategists_have_had_their_share_a_worker_is_given_an_advantage() {
    let mut asked = Asked::new(7);
    asked.profiles = vec![profile("strategist", 9, 2.2), profile("worker", 7, 2.0)];
    assert_eq!(asked.name(), "strategist");
    asked.runs = runs(&[("strategist", OutcomeKind::Deferred, 12)], "t-9");
    assert_eq!(asked.name(), "worker");
    assert!(asked.route().because.ends_with("more than their share"));
}

#[test]
fn a_command_goes_to_the_shell_and_nothing_else_does() {
    let mut asked = Asked::new(3);
    asked.profiles.push(Profile::new("shell", Adapter::Shell));
    assert_eq!(asked.name(), "small");
    asked.wanted = Some("shell");
    assert!(asked.name().contains("has no `run` command"));
    asked.wanted = None;
    asked.task.run = Some("true".to_owned());
    assert_eq!(asked.name(), "shell");
    asked.wanted = Some("large");
    assert_eq!(asked.name(), "large", "a person may");
    asked.wanted = Some("nobody");
    assert!(asked.name().contains("no agent profile is called `nobody`"));
    asked.profiles.truncate(3);
    asked.wanted = None;
    assert!(asked.name().contains("no profile uses the `shell` adapter"));
}

#[test]
fn who_needs_a_person_first_is_waited_for_and_asked_only_by_name() {
    let mut asked = Asked::new(9);
    asked.unusable = vec![("large".to_owned(), "not logged in".to_owned())];
    let why = NoRoute::Unusable("large".to_owned(), "not logged in".to_owned());
    assert_eq!(asked.route().chosen, Err(why), "a weaker one does not take its place");
    asked.wanted = Some("large");
    assert_eq!(asked.route().chosen, Ok(0));
    let mut small = Asked::new(3);
    small.unusable = asked.unusable;
    assert_eq!(small.route().chosen, Ok(1), "others do what they can");
}

#[test]
fn a_cost_that_nobody_knows_is_not_nothing() {
    let mut asked = Asked::new(3);
    asked.profiles = vec![profile("strong", 10, 0.0), profile("small", 4, 1.0)];
    assert_eq!(asked.name(), "small");
    assert!(asked.route().because.ends_with("the least capable that is enough, not every cost is known"));
    // Nor does what only one of them told of its runs speak against that one.
    asked.profiles[1].price = None;
    asked.runs = runs(&[("small", OutcomeKind::Accepted, 3)], "t-0");
    asked.runs.iter_mut().for_each(|run| run.cost_usd = Some(0.05));
    assert_eq!(asked.name(), "small");
    // Of two that can do as much, the one whose cost is known comes first.
    asked.profiles = vec![profile("unknown", 4, 0.0), profile("small", 4, 1.0)];
    assert_eq!(asked.name(), "small");
}

#[test]
fn one_that_is_passed_over_because_it_fails_too_often_is_named() {
    let mut asked = Asked::new(3);
    asked.profiles = vec![profile("weak", 4, 0.0), profile("strong", 9, 0.0)];
    asked.runs = runs(&[("weak", OutcomeKind::Rejected, 6)], "t-0");
    assert_eq!(asked.name(), "strong");
    assert!(
        asked.route().because.contains("it needs fewer steps than `weak` ("),
        "{}",
        asked.route().because
    );
}
