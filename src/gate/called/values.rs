//! What the words of commands stand for, as far as a text says so itself: the variables that it sets, and what
//! it goes through with `for`.

use std::collections::{BTreeMap, BTreeSet};

/// The most values of one variable.
const VALUES: usize = 300;
/// How often what a variable holds is looked into for others.
const ROUNDS: usize = 3;
/// Programs that set variables which they are given.
const SETS: [&str; 5] = ["export", "local", "readonly", "declare", "typeset"];

/// The variables of a text.
#[derive(Debug, Default)]
pub struct Values {
    held: BTreeMap<String, Vec<String>>,
    /// Those of `for`.
    lists: BTreeSet<String>,
}

impl Values {
    /// Takes what a command sets, if it does nothing else; `files` tells what a word of a list stands for.
    pub fn take(&mut self, words: &[&str], files: impl Fn(&str) -> Vec<String>) -> bool {
        if let ["for", name, "in", list @ ..] = words {
            let all = list.iter().flat_map(|word| self.meant(&[word])).flatten();
            let all = all.flat_map(|word| files(&word)).take(VALUES).collect();
            self.held.insert((*name).to_owned(), all);
            self.lists.insert((*name).to_owned());
            return true;
        }
        let words = match words {
            [first, rest @ ..] if SETS.contains(first) => rest,
            words => words,
        };
        let set: Vec<(&str, &str)> = words.iter().filter_map(|word| assigned(word)).collect();
        let only = set.len() == words.iter().filter(|word| !word.starts_with('-')).count();
        for (name, value) in set.into_iter().filter(|_| only) {
            let values = self.held.entry(name.to_owned()).or_default();
            if values.len() < VALUES {
                values.push(value.to_owned());
            }
        }
        only
    }

    /// The words of a command with what variables hold, once for each value of the first that has several.
    #[must_use]
    pub fn meant(&self, words: &[&str]) -> Vec<Vec<String>> {
        let mut all = vec![words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()];
        for _ in 0..ROUNDS {
            let name = all.iter().flatten().find_map(|word| self.variable(word));
            let Some((name, values)) = name else { break };
            let each = |words: &Vec<String>| -> Vec<Vec<String>> {
                let put = |value: &String| words.iter().map(|word| put(word, name, value)).collect();
                values.iter().map(put).collect()
            };
            all = all.iter().flat_map(each).take(VALUES).collect();
        }
        all
    }

    /// Whether a command is run once for each of several.
    #[must_use]
    pub fn is_one_of_many(&self, words: &[&str]) -> bool {
        words.iter().filter_map(|word| self.variable(word)).any(|(name, _)| self.lists.contains(name))
    }

    /// The folders of the tree that come first on `PATH` for a command.
    #[must_use]
    pub fn path(&self, words: &[&str]) -> Vec<String> {
        let before = words.iter().map_while(|word| assigned(word));
        let own = before.filter(|(name, _)| *name == "PATH").map(|(_, value)| value);
        let all = own.chain(self.held.get("PATH").into_iter().flatten().map(String::as_str));
        let here = |part: &str| {
            let bare =
                ["$PWD/", "${PWD}/", "$(pwd)/", "./"].iter().find_map(|begin| part.strip_prefix(begin));
            let bare = bare.unwrap_or(part);
            (!bare.is_empty() && !bare.starts_with('/') && !bare.contains('$')).then(|| bare.to_owned())
        };
        all.flat_map(|value| value.split(':')).filter_map(here).collect()
    }

    /// The first variable of a word that is known.
    fn variable(&self, word: &str) -> Option<(&str, &[String])> {
        let known = |part: &str| {
            let name: String = named(part).chars().take_while(|c| is_name(*c)).collect();
            self.held.get_key_value(&name).filter(|(name, _)| *name != "PATH")
        };
        let (name, values) = word.split('$').skip(1).find_map(known)?;
        Some((name, values))
    }
}

fn named(part: &str) -> &str {
    part.strip_prefix('{').unwrap_or(part)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word with a variable's value in its place.
fn put(word: &str, name: &str, value: &str) -> String {
    let mut parts = word.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let behind = named(part).strip_prefix(name).filter(|rest| !rest.starts_with(is_name));
        if let Some(rest) = behind {
            out.push_str(value);
            out.push_str(if part.starts_with('{') { rest.trim_start_matches('}') } else { rest });
        } else {
            out.push('$');
            out.push_str(part);
        }
    }
    out
}

/// The name and the value that a word sets.
#[must_use]
pub fn assigned(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (begins && name.chars().all(is_name)).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_once_for_each_value() {
        let mut values = Values::default();
        let files = |word: &str| vec![word.to_owned()];
        assert!(values.take(&["S=check.sh"], files));
        assert!(values.take(&["export", "A=a", "B=$S"], files));
        assert!(values.take(&["for", "t", "in", "x", "y"], files));
        assert!(!values.take(&["A=1", "sh", "x"], files));
        assert_eq!(values.meant(&["sh", "$S"]), [["sh", "check.sh"]]);
        assert_eq!(values.meant(&["sh", "${A}.$B"]), [["sh", "a.check.sh"]]);
        assert_eq!(values.meant(&["./$t", "$other"]), [["./x", "$other"], ["./y", "$other"]]);
        assert!(values.is_one_of_many(&["$t"]) && !values.is_one_of_many(&["$S"]));
    }

    #[test]
    fn folders_of_the_tree_on_path_are_known() {
        let values = Values::default();
        assert_eq!(values.path(&["PATH=$PWD/bin:./tools:/usr/bin:$PATH", "check"]), ["bin", "tools"]);
    }
}
