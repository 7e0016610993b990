//! What leads to a target of a makefile: the rules that `make` would use, named or by pattern.
//!
//! Invariant: on a chain of files that only patterns know, no pattern is used twice, as in make, so every way has an
//! end; a file that is there is made by a pattern only where make finds what that needs. Where nothing fits, all
//! that could be meant counts.

use super::make::{Makefile, Rule};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The most targets that are followed.
const TARGETS: usize = 300;
/// How often a name is held beside a pattern to tell whether it fits; after that every one does.
const LOOKS: usize = 1_000_000;
/// The longest chain of patterns that is told from one that does not fit.
const CHAIN: usize = 8;

/// The targets on a way, each with its rules, and whether there are more of them.
pub type Way<'m> = (Vec<(String, Vec<&'m Rule>)>, bool);

impl Makefile {
    /// The targets that are made on the way to some, those included, each with its rules; `there` tells which files
    /// the tree has.
    #[must_use]
    pub fn way(&self, to: &[String], there: &dyn Fn(&str) -> bool) -> Way<'_> {
        let map = Map::new(self, there);
        let mut found: Vec<(String, BTreeSet<usize>)> = Vec::new();
        let mut left: Vec<(String, Vec<usize>)> = to.iter().map(|target| (target.clone(), vec![])).collect();
        let mut seen = BTreeSet::new();
        while let Some((target, used)) = left.pop() {
            if !seen.insert((target.clone(), used.clone())) {
                continue;
            }
            if found.len() >= TARGETS || seen.len() >= 10 * TARGETS {
                return (self.named(found), true);
            }
            let rules = map.rules(&target, &used);
            let all: Vec<usize> = rules.iter().map(|(at, _)| *at).collect();
            for (at, stem) in &rules {
                for need in self.rules[*at].needs.iter().filter(|need| *need != "|") {
                    let need = need.replace('%', stem);
                    // What is known by itself begins a chain of its own.
                    let is_new = !self.rules[*at].is_pattern() || map.is_known(&need);
                    let used = if is_new { Vec::new() } else { [&used[..], &[*at]].concat() };
                    left.push((need, used));
                }
            }
            match found.iter_mut().find(|(known, _)| *known == target) {
                Some((_, known)) => known.extend(all),
                None if all.is_empty() => {}
                None => found.push((target, all.into_iter().collect())),
            }
        }
        (self.named(found), false)
    }

    fn named(&self, found: Vec<(String, BTreeSet<usize>)>) -> Vec<(String, Vec<&Rule>)> {
        let rules = |all: BTreeSet<usize>| all.into_iter().map(|at| &self.rules[at]).collect();
        found.into_iter().map(|(target, all)| (target, rules(all))).collect()
    }
}

impl Rule {
    fn is_pattern(&self) -> bool {
        self.targets.iter().any(|target| target.contains('%'))
    }
}

/// The rules of a makefile, by what they make.
struct Map<'m> {
    makefile: &'m Makefile,
    /// Those that name a target.
    named: BTreeMap<&'m str, Vec<usize>>,
    patterns: Vec<usize>,
    /// All that rules name.
    mentioned: BTreeSet<&'m str>,
    there: &'m dyn Fn(&str) -> bool,
    asked: RefCell<BTreeMap<String, bool>>,
    looks: Cell<usize>,
}

impl<'m> Map<'m> {
    fn new(makefile: &'m Makefile, there: &'m dyn Fn(&str) -> bool) -> Self {
        let (mut named, mut mentioned) = (BTreeMap::<&str, Vec<usize>>::new(), BTreeSet::new());
        for (at, rule) in makefile.rules.iter().enumerate() {
            for target in rule.targets.iter().map(|target| bare(target)) {
                named.entry(target).or_default().push(at);
            }
            let all = rule.targets.iter().chain(&rule.needs);
            mentioned.extend(all.filter(|name| !name.contains('%')).map(|name| bare(name)));
        }
        let patterns = (0..makefile.rules.len()).filter(|at| makefile.rules[*at].is_pattern()).collect();
        let (asked, looks) = (RefCell::default(), Cell::new(0));
        Self { makefile, named, patterns, mentioned, there, asked, looks }
    }

    /// The rules of a target, each with what `%` stands for.
    fn rules<'t>(&self, target: &'t str, used: &[usize]) -> Vec<(usize, &'t str)> {
        let mut rules: Vec<(usize, &str)> =
            self.named.get(bare(target)).into_iter().flatten().map(|at| (*at, "")).collect();
        let meant = self.meant(target, used);
        let fit: Vec<(usize, &str)> =
            meant.iter().copied().filter(|(at, stem)| self.fits(*at, stem, used)).collect();
        let is_made = fit.is_empty() && rules.is_empty() && !self.has(target);
        rules.extend(if is_made { meant } else { fit });
        rules
    }

    /// The patterns that a target has the name for.
    fn meant<'t>(&self, target: &'t str, used: &[usize]) -> Vec<(usize, &'t str)> {
        let stem = |at: usize| self.makefile.rules[at].targets.iter().find_map(|made| stem(made, target));
        let unused = self.patterns.iter().filter(|at| !used.contains(at));
        unused.filter_map(|at| Some((*at, stem(*at)?))).collect()
    }

    /// Whether what a pattern needs is there, is known, or can be made by further patterns.
    fn fits(&self, at: usize, stem: &str, used: &[usize]) -> bool {
        self.looks.set(self.looks.get() + self.patterns.len());
        if self.looks.get() > LOOKS || used.len() >= CHAIN {
            return true;
        }
        let used = [used, &[at]].concat();
        let needs = self.makefile.rules[at].needs.iter().filter(|need| *need != "|");
        needs.map(|need| need.replace('%', stem)).all(|need| {
            self.is_known(&need)
                || self.meant(&need, &used).into_iter().any(|(at, stem)| self.fits(at, stem, &used))
        })
    }

    fn is_known(&self, file: &str) -> bool {
        self.mentioned.contains(bare(file)) || self.has(file)
    }

    fn has(&self, file: &str) -> bool {
        let known = self.asked.borrow().get(file).copied();
        known.unwrap_or_else(|| {
            let has = (self.there)(file);
            self.asked.borrow_mut().insert(file.to_owned(), has);
            has
        })
    }
}

fn bare(name: &str) -> &str {
    name.trim_start_matches("./")
}

/// What `%` of a pattern stands for in a target.
fn stem<'t>(made: &str, target: &'t str) -> Option<&'t str> {
    let (begin, end) = made.split_once('%')?;
    target.strip_prefix(begin)?.strip_suffix(end).filter(|stem| !stem.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::make::parse;

    fn way(text: &str, to: &str, files: &[&str]) -> Vec<String> {
        let makefile = parse("Makefile", "", &|path| (path == "Makefile").then(|| text.to_owned()));
        let (way, more) = makefile.way(&[to.to_owned()], &|path| files.contains(&path));
        assert!(!more);
        let heads = |rules: &[&super::Rule]| {
            rules.iter().map(|rule| rule.head.number.to_string()).collect::<Vec<_>>().join(" ")
        };
        way.iter().map(|(target, rules)| format!("{target} {}", heads(rules))).collect()
    }

    #[test]
    fn a_pattern_that_makes_what_it_needs_itself_is_used_once() {
        let text = "test: tests/a\ntests/%: tests/%.c\n\tcc -o $@ $<\n";
        assert_eq!(way(text, "test", &["tests/a.c"]), ["test 1", "tests/a 2"]);
        assert_eq!(way(text, "test", &[]), ["test 1", "tests/a 2"]);
        let two = format!("{text}%.c: %.y\n\tyacc $<\n%: %.sh\n\tcp $< $@\n");
        assert_eq!(way(&two, "test", &["tests/a.c"]), ["test 1", "tests/a 2"]);
        assert_eq!(way(&two, "test", &["tests/a.y"]), ["test 1", "tests/a 2", "tests/a.c 4"]);
    }

    #[test]
    fn a_pattern_that_fits_makes_also_what_is_there() {
        assert_eq!(way("%: x\n\techo\nx:\n", "Makefile", &["Makefile"]), ["Makefile 1", "x 1 3"]);
        assert_eq!(way("%:\n\techo\n", "Makefile", &["Makefile"]), ["Makefile 1"]);
        assert!(way("%: %.x\n\techo\n", "Makefile", &["Makefile"]).is_empty());
    }

    #[test]
    fn patterns_without_end_have_one() {
        let text: String = (0..40).map(|at| format!("%: %.{at}\n\tx\n")).collect();
        let makefile = parse("Makefile", "", &|path| (path == "Makefile").then(|| text.clone()));
        assert!(makefile.way(&["a".to_owned()], &|_| false).1);
    }
}
