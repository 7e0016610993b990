//! What is known of models: how much they hold, what they cost, and who would be hired with them.
//!
//! In: the compiled-in `models.toml`, with the date that it was taken. Invariant: what a profile says
//! itself goes before it.

use super::{Adapter, Price, Profile};
use serde::Deserialize;
use std::sync::LazyLock;

/// The data, readable.
const MODELS_TOML: &str = include_str!("models.toml");

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    taken: String,
    model: Vec<Model>,
}

/// One model, as one agent uses it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    name: String,
    alias: Option<String>,
    adapter: String,
    window: u64,
    price: PriceShape,
    source: String,
    profile: Option<Hire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceShape {
    input: f64,
    cached: f64,
    output: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hire {
    name: String,
    capability: u8,
}

static FILE: LazyLock<File> = LazyLock::new(|| toml::from_str(MODELS_TOML).unwrap_or_default());

/// When the data of a model was taken, and from where.
#[must_use]
pub fn provenance(model: &str) -> String {
    let source = find(model).map_or("", |model| &model.source);
    format!("orch's list of models of {} ({source})", FILE.taken)
}

/// Gives a profile what it does not say itself: the window where its agent is the one that was looked at, and
/// the price. Says which of the two it gave.
pub(super) fn fill(profile: &mut Profile) -> Vec<&'static str> {
    let mut given = Vec::new();
    let Some(model) = profile.model.as_deref().and_then(find) else { return given };
    if profile.context_window.is_none() && model.adapter == profile.adapter.as_str() {
        profile.context_window = Some(model.window);
        given.push("context_window");
    }
    if profile.price.is_none() && profile.adapter != Adapter::Command {
        profile.price = Some(model.price());
        given.push("price");
    }
    given
}

/// The profiles that are worth having for an agent, the strongest last.
pub(super) fn profiles(adapter: Adapter) -> Vec<Profile> {
    let hired = FILE.model.iter().filter(|model| model.adapter == adapter.as_str());
    let mut profiles: Vec<Profile> = hired
        .filter_map(|model| {
            let hire = model.profile.as_ref()?;
            Some(Profile {
                model: Some(model.name.clone()),
                capability: hire.capability,
                context_window: Some(model.window),
                price: Some(model.price()),
                ..Profile::new(&hire.name, adapter)
            })
        })
        .collect();
    profiles.sort_by_key(|profile| profile.capability);
    profiles
}

/// A model by its name, its alias, or its name behind that of a provider.
fn find(name: &str) -> Option<&'static Model> {
    let bare = name.rsplit('/').next().unwrap_or(name);
    FILE.model.iter().find(|model| model.name == bare || model.alias.as_deref() == Some(bare))
}

impl Model {
    fn price(&self) -> Price {
        Price { input: self.price.input, cached: self.price.cached, output: self.price.output }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_data_is_whole_and_dated() {
        let file: File = toml::from_str(MODELS_TOML).unwrap();
        assert!(file.taken.parse::<jiff::civil::Date>().is_ok(), "{}", file.taken);
        let names: BTreeSet<&str> = file
            .model
            .iter()
            .flat_map(|model| [Some(model.name.as_str()), model.alias.as_deref()])
            .flatten()
            .collect();
        let aliases = file.model.iter().filter(|model| model.alias.is_some()).count();
        assert_eq!(names.len(), file.model.len() + aliases, "no name is used twice");
        for model in &file.model {
            assert!(Adapter::parse(&model.adapter).is_some(), "{}", model.name);
            assert!(!model.source.is_empty() && model.window >= 100_000, "{}", model.name);
            assert!(model.price.cached <= model.price.input && model.price.input < model.price.output);
        }
    }

    #[test]
    fn a_profile_is_given_only_what_it_does_not_say() {
        let mut profile = Profile { model: Some("sonnet".to_owned()), ..Profile::new("s", Adapter::Claude) };
        assert_eq!(fill(&mut profile), ["context_window", "price"]);
        assert_eq!(profile.context_window, Some(1_000_000));
        assert_eq!(profile.price, Some(Price { input: 2.0, cached: 0.1, output: 10.0 }));
        profile.context_window = Some(200_000);
        profile.price = Some(Price::default());
        assert!(fill(&mut profile).is_empty());
        assert_eq!(profile.context_window, Some(200_000));
    }

    #[test]
    fn another_agent_is_given_the_price_alone() {
        let model = Some("anthropic/claude-opus-5-5".to_owned());
        let mut profile = Profile { model, ..Profile::new("o", Adapter::Opencode) };
        assert_eq!(fill(&mut profile), ["price"]);
        let mut unknown = Profile { model: Some("local/llama".to_owned()), ..profile };
        unknown.price = None;
        assert!(fill(&mut unknown).is_empty());
    }
}
