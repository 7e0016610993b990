//! Arguments that are one of a few words: read here, and offered by completions.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};
use std::ffi::OsStr;

/// Reads one of a few words.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneOf<T> {
    /// All of them.
    pub words: fn() -> Vec<&'static str>,
    /// What a word stands for.
    pub read: fn(&str) -> Option<T>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for OneOf<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let Self { words, read } = *self;
        let parse = move |text: &str| read(text).ok_or_else(|| format!("one of {}", words().join(", ")));
        parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.words)().into_iter().map(PossibleValue::new)))
    }
}
