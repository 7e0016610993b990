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
        && (0..old.tokens.len()).all(|at| old.tokens[at] == new.tokens[at] || is_same_number(old, new, at))
    {
        return Judged::Same;
    }
    if let Some(nothing) = turns(old, new) {
        return if nothing || new.asks >= old.asks { Judged::Other } else { Judged::Less };
    }
    // What gave nothing may say why not.
    let (lost, gained) = (minus(&old.literals, &new.literals), minus(&new.literals, &old.literals));
    let nothing = !lost.is_empty() && lost.iter().all(|text| VALUES.contains(text));
    let refused = nothing && new.tokens.contains(&"is_err");
    // A branch that fails on nothing asks that there is something, as those of testify do.
    let something = old.tokens.ends_with(&["==", "nil"])
        && new.tokens.first().is_some_and(|head| matches!(*head, "assert" | "require"));
    let nothing_less = refused || something;
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

/// Where all that differs is that one wants what the other wants not: whether that is nothing (an error, say).
fn turns(old: &Assertion<'_>, new: &Assertion<'_>) -> Option<bool> {
    let at = only_difference(old, new)?;
    let compares = |text: &str| matches!(text, "==" | "!=" | "===" | "!==");
    let (was, is) = (old.tokens[at], new.tokens[at]);
    let around = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
    let mut beside = around.filter_map(|place| old.tokens.get(place));
    (compares(was) && compares(is) && was.starts_with('!') != is.starts_with('!'))
        .then(|| beside.any(|text| matches!(*text, "nil" | "null" | "None" | "undefined")))
}

/// Whether one number stands in both at a place, spelt otherwise. What is a text is what it says.
fn is_same_number(old: &Assertion<'_>, new: &Assertion<'_>, at: usize) -> bool {
    /// From here on not each integer is a float of its own.
    const LARGE: f64 = 9_007_199_254_740_992.0;
    let plain = |one: &Assertion<'_>| one.tokens[at].replace('_', "").to_ascii_lowercase();
    let (was, is) = (plain(old), plain(new));
    let value = |text: &str| text.parse::<f64>().ok().filter(|value| value.abs() < LARGE);
    let broken = was.contains('.') || is.contains('.');
    old.numbers.contains(&at)
        && new.numbers.contains(&at)
        && (was == is || broken && value(&was).is_some_and(|number| value(&is) == Some(number)))
}

/// The only place at which two assertions differ.
fn only_difference(old: &Assertion<'_>, new: &Assertion<'_>) -> Option<usize> {
    if old.tokens.len() != new.tokens.len() {
        return None;
    }
    let mut differing = (0..old.tokens.len()).filter(|at| old.tokens[*at] != new.tokens[*at]);
    differing.next().filter(|_| differing.next().is_none())
}

/// The only number that two assertions differ in, and the last word before it.
fn one_number<'t>(old: &Assertion<'t>, new: &Assertion<'t>) -> Option<(&'t str, f64, f64)> {
    let at = only_difference(old, new)?;
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

    #[test]
    fn a_comparison_that_is_turned_around_is_never_the_same() {
        let branch = |condition: &str| format!("if {condition} {{ t.Errorf(\"x\") }}");
        for (old, new, judged) in [
            ("got != want", "got == want", Judged::Less),
            ("got == want", "got != want", Judged::Other),
            ("err != nil", "err == nil", Judged::Other),
            ("err != nil || got != want", "err != nil || got == want", Judged::Other),
        ] {
            assert_eq!(of("a_test.go", &branch(old), &branch(new)), judged, "{new}");
        }
        assert_eq!(of("a.py", "assert got == want", "assert got != want"), Judged::Less);
        assert_eq!(of("a.py", "assert f(x) == None", "assert f(x) != None"), Judged::Other);
    }

    #[test]
    fn only_numbers_are_the_same_when_spelt_otherwise() {
        for (old, new, same) in [
            ("1_000", "1000", true),
            ("0XFF", "0xff", true),
            ("1.50", "1.5", true),
            ("1", "1.0", true),
            ("'1.50'", "'1.5'", false),
            ("'1.10'", "'1.1'", false),
            ("'0x1F'", "'0x1f'", false),
            ("9007199254740993", "9007199254740992", false),
            ("9007199254740993", "9007199254740992.0", false),
            ("010", "10", false),
        ] {
            let judged = of("a.py", &format!("assert f(x) == {old}"), &format!("assert f(x) == {new}"));
            assert_eq!(judged == Judged::Same, same, "{old} {new}: {judged:?}");
        }
    }
}
