//! The first line of a file that orch wrote: by it orch knows its own, as long as nobody changed them.

use super::Provider;
use sha2::{Digest as _, Sha256};

/// What lies where a recipe belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// The recipe, as it is to be.
    Same,
    /// A recipe that orch wrote, and that nobody changed since.
    Ours,
    /// Somebody else's file, or a recipe that somebody changed.
    Theirs,
}

/// The text with the line that seals it.
pub(super) fn seal(provider: Provider, text: &str) -> String {
    format!("{}\n{text}", line(provider.as_str(), text))
}

fn line(provider: &str, text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let seal: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("# Written by `orch ci {provider}`, seal {seal}: orch writes it again until you change it.")
}

/// What is there, where this recipe is to be.
#[must_use]
pub fn look(there: Option<&str>, recipe: &str) -> There {
    let Some(there) = there else { return There::Nothing };
    if there == recipe {
        return There::Same;
    }
    let Some((first, text)) = there.split_once('\n') else { return There::Theirs };
    let ours = Provider::ALL.into_iter().any(|provider| first == line(provider.as_str(), text));
    if ours { There::Ours } else { There::Theirs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_changed_is_orchs_own() {
        let (old, new) = (seal(Provider::Gitlab, "a\n"), seal(Provider::Gitlab, "b\n"));
        assert_eq!(look(None, &new), There::Nothing);
        assert_eq!(look(Some(&new), &new), There::Same);
        assert_eq!(look(Some(&old), &new), There::Ours);
        for theirs in
            ["", "a\n", "# Written by `orch ci gitlab`", &old.replace('a', "c"), &format!("\n{old}")]
        {
            assert_eq!(look(Some(theirs), &new), There::Theirs, "{theirs}");
        }
    }
}
