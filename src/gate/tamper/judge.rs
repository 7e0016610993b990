//! What became of one assertion.

use super::assertion::{Assertion, EMPTY, VALUES};
use super::language::Asks;
use super::read::minus;

/// An assertion beside the one that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It asks for the same, or for more.
    Same,
    /// It holds whatever the code does.
    CannotFail,
    /// It asks for less.
    Less,
    /// It expects something else.
    Other,
}

/// Names of how far a value may be off.
const TOLERANCES: [&str; 10] =
    ["abs", "rel", "delta", "atol", "rtol", "tolerance", "epsilon", "eps", "abs_tol", "rel_tol"];
/// Names of how exact a value has to be.
const PLACES: [&str; 3] = ["places", "toBeCloseTo", "decimal"];

/// Judges an assertion by the one that it was; `known` tells whether a literal is in the new source.
#[must_use]
pub fn judge<'t>(old: &Assertion<'t>, new: &Assertion<'t>, known: impl Fn(&str) -> bool) -> Judged {
    if new.asks == Asks::Nothing {
        return Judged::CannotFail;
    }
    if old.tokens.len() == new.tokens.len()
        && old.tokens.iter().zip(&new.tokens).all(|(was, is)| was == is || is_same_number(was, is))
    {
        return Judged::Same;
    }
    // What gave nothing may say why not.
    let (lost, gained) = (minus(&old.literals, &new.literals), minus(&new.literals, &old.literals));
    let nothing = !lost.is_empty() && lost.iter().all(|text| VALUES.contains(text));
    let refused = nothing && new.tokens.contains(&"is_err");
    // A branch that fails on nothing asks that there is something, as those of testify do.
    let something = old.tokens.ends_with(&["==", "nil"])
        && new.tokens.first().is_some_and(|head| matches!(*head, "assert" | "require"));
    let nothing_less = refused || something || turns(old, new);
    if new.asks < old.asks && !nothing_less || new.ways > old.ways {
        return Judged::Less;
    }
    if let Some((before, was, is)) = one_number(old, new) {
        let wider = if TOLERANCES.contains(&before) {
            Some(is > was)
        } else if PLACES.contains(&before) {
            Some(is < was)
        } else {
            bound(old).map(|upper| if upper { is > was } else { is < was })
        };
        match wider {
            Some(true) => return Judged::Less,
            Some(false) => return Judged::Same,
            None => {}
        }
    }
    let same_subject = minus(&subject(old), &subject(new)).is_empty();
    let turned = old.negated != new.negated && same_subject;
    if !turned && new.asks > old.asks {
        return Judged::Same;
    }
    // What went may have got a name, which then stands in its place, or an assertion of its own.
    let named =
        minus(&new.tokens, &old.tokens).iter().any(|text| text.starts_with(|c: char| c.is_alphabetic()))
            || old.tokens.iter().any(|text| matches!(*text, "||" | "&&" | "or" | "and"));
    let nothing = new.tokens.iter().any(|text| EMPTY.contains(text));
    let explained = |literal: &str| {
        VALUES.contains(&literal) || named && known(literal) || nothing && matches!(literal, "0" | "")
    };
    let unknown = |literal: &&str| !explained(literal);
    if turned || (!lost.is_empty() && !gained.is_empty()) || lost.iter().any(unknown) {
        return Judged::Other;
    }
    Judged::Same
}

/// What an assertion is about, as far as longer words say.
fn subject<'t>(one: &Assertion<'t>) -> Vec<&'t str> {
    let words = one.tokens.iter().copied();
    words.filter(|text| text.len() > 3 && text.starts_with(char::is_alphabetic)).skip(1).collect()
}

/// Whether all that differs is that one wants the error that the other wants not.
fn turns(old: &Assertion<'_>, new: &Assertion<'_>) -> bool {
    let mut differing = old.tokens.iter().zip(&new.tokens).filter(|(was, is)| was != is);
    let compares = |text: &str| matches!(text, "==" | "!=" | "===" | "!==");
    let first = differing.next().is_some_and(|(was, is)| compares(was) && compares(is));
    let of_nothing = old.literals.iter().all(|text| VALUES.contains(text));
    first && differing.next().is_none() && old.tokens.len() == new.tokens.len() && of_nothing
}

/// Whether two texts are one number, spelt otherwise.
fn is_same_number(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let (one, other) = (plain(one), plain(other));
    let number = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit()).then(|| text.parse::<f64>().ok()).flatten()
    };
    one.starts_with(|c: char| c.is_ascii_digit()) && one == other
        || number(&one).is_some_and(|value| number(&other) == Some(value))
}

/// The only number that two assertions differ in, and the last word before it.
fn one_number<'t>(old: &Assertion<'t>, new: &Assertion<'t>) -> Option<(&'t str, f64, f64)> {
    if old.tokens.len() != new.tokens.len() {
        return None;
    }
    let mut differing = (0..old.tokens.len()).filter(|at| old.tokens[*at] != new.tokens[*at]);
    let at = differing.next().filter(|_| differing.next().is_none())?;
    let number =
        |text: &str| text.replace('_', "").trim_end_matches(|c: char| c.is_alphabetic()).parse::<f64>().ok();
    let closes = old.tokens.iter().find(|text| PLACES.contains(text));
    let word = old.tokens[..at].iter().rev().find(|text| text.starts_with(|c: char| c.is_alphabetic()));
    let before = closes.or(word).copied().unwrap_or_default();
    Some((before, number(old.tokens[at])?, number(new.tokens[at])?))
}

/// Whether an assertion is about an upper bound, or a lower one.
fn bound(one: &Assertion<'_>) -> Option<bool> {
    let has = |all: &[&str]| one.tokens.iter().any(|text| all.contains(text));
    let upper = has(&[
        "<",
        "<=",
        "toBeLessThan",
        "toBeLessThanOrEqual",
        "assertLess",
        "assertLessEqual",
        "isLessThan",
        "Less",
    ]);
    let lower = has(&[
        ">",
        ">=",
        "toBeGreaterThan",
        "toBeGreaterThanOrEqual",
        "assertGreater",
        "assertGreaterEqual",
        "isGreaterThan",
        "Greater",
    ]);
    (upper != lower).then_some(upper)
}

#[cfg(test)]
mod tests {
    use super::super::assertion::assertions;
    use super::super::language::Language;
    use super::super::lex::Source;
    use super::*;

    fn of(path: &str, old: &str, new: &str) -> Judged {
        let language = Language::of(path).unwrap();
        let (old, new) = (Source::new(old, &language.syntax), Source::new(new, &language.syntax));
        let one = |source: &Source<'_>| source.tokens.len();
        let (a, b) = (
            assertions(language, &old, &(0..one(&old)), None, &[]),
            assertions(language, &new, &(0..one(&new)), None, &[]),
        );
        judge(&a[0], &b[0], |literal| new.tokens.iter().any(|token| token.text == literal))
    }

    #[test]
    fn stricter_and_renamed_is_the_same() {
        assert_eq!(of("a.py", "assert total(x) == 5", "assert sum_of(x) == 5"), Judged::Same);
        assert_eq!(of("a.py", "assert total(x)", "assert total(x) == 5"), Judged::Same);
        assert_eq!(of("a.py", "assert n < 100", "assert n < 50"), Judged::Same);
        assert_eq!(of("a.rs", "assert!(n > 1)", "assert!(n > 2)"), Judged::Same);
        assert_eq!(
            of("a.py", "assert x == pytest.approx(1.5, abs=0.1)", "assert x == pytest.approx(1.5, abs=0.01)"),
            Judged::Same
        );
    }

    #[test]
    fn less_is_told_from_other() {
        assert_eq!(of("a.py", "assert total(x) == 5", "assert total(x) > 0"), Judged::Less);
        assert_eq!(of("a.py", "assert n < 100", "assert n < 500"), Judged::Less);
        assert_eq!(
            of("a.py", "assert x == pytest.approx(1.5, abs=0.1)", "assert x == pytest.approx(1.5, abs=10)"),
            Judged::Less
        );
        assert_eq!(
            of("a.ts", "expect(x).toBeCloseTo(1.5, 5)", "expect(x).toBeCloseTo(1.5, 0)"),
            Judged::Less
        );
        assert_eq!(of("a.py", "assert total(x) == 5", "assert total(x) == 6"), Judged::Other);
        assert_eq!(of("a.py", "assert total(x) == 5", "assert total(x) == total(x)"), Judged::CannotFail);
        assert_eq!(of("a.py", "assert ok(x)", "assert not ok(x)"), Judged::Other);
        assert_eq!(of("a.rs", "assert_eq!(f(x), 5)", "assert_eq!(f(x), g(x))"), Judged::Other);
    }
}
