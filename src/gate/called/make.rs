//! What `make` reads: the rules of a makefile, its variables, and what stands outside of both.
//!
//! In: the files of a tree. Out: a [`Makefile`], and of it what leads to a target. Not here: functions of make;
//! what they would make of it counts as it is written.

use super::tree::LARGEST;
use std::cell::Cell;
use std::collections::BTreeSet;

/// The names that make looks for, in its order.
pub const NAMES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
/// Variables that decide how recipes run, whoever uses them.
pub const ALWAYS: [&str; 12] = [
    "SHELL",
    ".SHELLFLAGS",
    "MAKEFLAGS",
    "GNUMAKEFLAGS",
    "MAKE",
    "MAKEFILES",
    "PATH",
    "VPATH",
    ".RECIPEPREFIX",
    "BASH_ENV",
    "ENV",
    "PYTHONPATH",
];
/// How deep includes and variables are followed.
const DEPTH: usize = 8;
/// The most variables that are put in, and the most that are looked for: what is more counts as it is written.
const VARIABLES: usize = 1_000;

/// A line, with the conditions that it stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its file.
    pub path: String,
    /// From 1.
    pub number: usize,
    /// The conditions.
    pub under: String,
    /// As it is written, without what goes on in the next line.
    pub text: String,
}

impl Line {
    /// With its conditions.
    #[must_use]
    pub fn whole(&self) -> String {
        format!("{}{}", self.under, self.text)
    }
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its first line.
    pub head: Line,
    /// What it makes.
    pub targets: Vec<String>,
    /// What that needs.
    pub needs: Vec<String>,
    /// How.
    pub recipe: Vec<Line>,
}

/// An assignment.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Whose.
    pub name: String,
    /// What it is given.
    pub value: String,
    /// The whole of it.
    pub line: Line,
    /// Whether its value is worked out when it is read, used or not.
    pub at_once: bool,
}

/// A makefile and what it includes.
#[derive(Debug, Default)]
pub struct Makefile {
    /// Its files.
    pub files: Vec<String>,
    /// Rules, in their order.
    pub rules: Vec<Rule>,
    /// Assignments, in their order.
    pub variables: Vec<Variable>,
    /// All else that counts for every rule.
    pub others: Vec<Line>,
    /// Targets that are made whether a file of that name is there or not.
    pub phony: BTreeSet<String>,
    /// How large its files are together.
    size: usize,
    /// How many variables were put in.
    put_in: Cell<usize>,
}

/// Reads a makefile; `read` gives the text of a path.
#[must_use]
pub fn parse(path: &str, dir: &str, read: &dyn Fn(&str) -> Option<String>) -> Makefile {
    let mut makefile = Makefile::default();
    makefile.take(path, dir, read, 0);
    makefile
}

impl Makefile {
    fn take(&mut self, path: &str, dir: &str, read: &dyn Fn(&str) -> Option<String>, depth: usize) {
        // What is included once more says nothing new.
        let is_new = depth < DEPTH && !self.files.iter().any(|known| known == path);
        let Some(text) = read(path).filter(|text| is_new && self.size + text.len() <= LARGEST) else {
            return;
        };
        self.size += text.len();
        self.files.push(path.to_owned());
        let (mut under, mut in_rule, mut defined) = (Vec::<String>::new(), false, None::<Variable>);
        for (number, text) in logical(&text) {
            let line = Line { path: path.to_owned(), number, under: under.concat(), text };
            if let Some(mut variable) = defined.take() {
                if line.text.trim() == "endef" {
                    self.variables.push(variable);
                } else {
                    variable.value.push_str(&format!("{}\n", line.text));
                    defined = Some(variable);
                }
                continue;
            }
            if line.text.starts_with('\t') && in_rule {
                if let Some(rule) = self.rules.last_mut() {
                    rule.recipe.push(line);
                }
                continue;
            }
            let bare = without_comment(&line.text).trim().to_owned();
            let (word, rest) = bare.split_once([' ', '\t', '(']).unwrap_or((&bare, ""));
            match word {
                "" => {}
                "ifeq" | "ifneq" | "ifdef" | "ifndef" => under.push(format!("{bare}\n")),
                "else" => {
                    if let Some(last) = under.last_mut() {
                        last.push_str(&format!("{bare}\n"));
                    }
                }
                "endif" => drop(under.pop()),
                "include" | "-include" | "sinclude" => {
                    let names: Vec<String> =
                        self.expand(rest).split_whitespace().map(str::to_owned).collect();
                    self.others.push(line);
                    in_rule = false;
                    for name in names {
                        self.take(&super::tree::joined(dir, &name).unwrap_or(name), dir, read, depth + 1);
                    }
                }
                "define" => {
                    let name = rest.trim().trim_end_matches(['=', ':', ' ']).to_owned();
                    defined = Some(Variable { name, value: String::new(), line, at_once: false });
                }
                _ => in_rule = self.one(line, &bare),
            }
        }
    }

    /// Takes an assignment, a rule or something else; whether recipes may follow.
    fn one(&mut self, line: Line, bare: &str) -> bool {
        let (word, rest) = bare.split_once(char::is_whitespace).unwrap_or((bare, ""));
        let prefixed = matches!(word, "export" | "override" | "private" | "unexport");
        if let Some((name, value, at_once)) = assignment(if prefixed { rest } else { bare }) {
            if prefixed {
                self.others.push(line.clone());
            }
            self.variables.push(Variable { name, value, line, at_once });
            return false;
        }
        let Some((targets, needs)) = colon(bare).filter(|_| !prefixed) else {
            self.others.push(line);
            return false;
        };
        let targets: Vec<String> = self.expand(targets).split_whitespace().map(str::to_owned).collect();
        let (needs, first) = needs.split_once(';').unwrap_or((needs, ""));
        let needs: Vec<String> = self.expand(needs).split_whitespace().map(str::to_owned).collect();
        if targets == [".PHONY"] {
            self.phony.extend(needs);
            return false;
        }
        let odd =
            |target: &String| target.contains('$') || (target.starts_with('.') && !target.contains('/'));
        if targets.iter().any(odd) || runs_at_once(bare) {
            self.others.push(line.clone());
        }
        let recipe = if first.is_empty() {
            Vec::new()
        } else {
            vec![Line { text: format!("\t{first}"), ..line.clone() }]
        };
        self.rules.push(Rule { head: line, targets, needs, recipe });
        true
    }

    /// A text with what is known of its variables put in.
    #[must_use]
    pub fn expand(&self, text: &str) -> String {
        self.expanded(text, 0)
    }

    fn expanded(&self, text: &str, depth: usize) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let behind = &rest[at + 1..];
            let close = match behind.chars().next() {
                Some('(') => ')',
                Some('{') => '}',
                Some('$') => {
                    out.push('$');
                    rest = &behind[1..];
                    continue;
                }
                Some(_) | None => {
                    out.push('$');
                    rest = behind;
                    continue;
                }
            };
            let name = behind[1..].split(close).next().unwrap_or_default();
            rest = behind.get(name.len() + 2..).unwrap_or_default();
            match name {
                "MAKE" => out.push_str("make"),
                "CURDIR" => out.push('.'),
                _ => match self
                    .value(name)
                    .filter(|_| out.len() < 1 << 16 && depth < DEPTH && self.may_put_in())
                {
                    Some(value) => out.push_str(&self.expanded(&value, depth + 1)),
                    None if name == "SHELL" => out.push_str("sh"),
                    None => out.push_str(&format!("$({name})")),
                },
            }
        }
        out + rest
    }

    fn may_put_in(&self) -> bool {
        self.put_in.set(self.put_in.get() + 1);
        self.put_in.get() <= VARIABLES
    }

    fn value(&self, name: &str) -> Option<String> {
        let mut parts: Vec<&str> = Vec::new();
        for variable in self.variables.iter().filter(|variable| variable.name == name) {
            let head = without_comment(&variable.line.text);
            let more = head.contains("+=");
            if more || !head.contains("?=") || parts.is_empty() {
                if !more {
                    parts.clear();
                }
                parts.push(&variable.value);
            }
        }
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// The first target, which is made where none is asked for.
    #[must_use]
    pub fn first(&self) -> Option<String> {
        let named = self.value(".DEFAULT_GOAL");
        let plain = self.rules.iter().flat_map(|rule| &rule.targets).find(|target| !target.starts_with('.'));
        named.or_else(|| plain.cloned())
    }

    /// A target and, where it has no recipe of its own, what is made last on the way to it.
    #[must_use]
    pub fn ends(&self, target: &str) -> Vec<String> {
        let mut found = vec![target.to_owned()];
        while let Some(target) = found.last().filter(|_| found.len() < DEPTH) {
            let rules: Vec<&Rule> = self.rules.iter().filter(|rule| rule.targets.contains(target)).collect();
            match rules.iter().flat_map(|rule| &rule.needs).next_back() {
                Some(need) if rules.iter().all(|rule| rule.recipe.is_empty()) => found.push(need.clone()),
                Some(_) | None => break,
            }
        }
        found
    }

    /// The names of variables that texts use, and those that they use.
    #[must_use]
    pub fn used(&self, texts: &[String]) -> BTreeSet<String> {
        let (mut left, mut found) = (texts.to_vec(), BTreeSet::new());
        while let Some(text) = left.pop() {
            for name in names(&text) {
                if found.len() < VARIABLES && found.insert(name.clone()) {
                    let all = self.variables.iter().filter(|variable| variable.name == name);
                    left.extend(all.map(|variable| variable.value.clone()));
                }
            }
        }
        found
    }
}

/// The names after `$(`, `${` and `$`.
fn names(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split('$').skip(1) {
        let part = part.trim_start_matches(['(', '{']);
        let is_name = |c: char| c.is_alphanumeric() || "_.-".contains(c);
        let name: String = part.chars().take_while(|c| is_name(*c)).collect();
        if !name.is_empty() {
            found.push(name);
        }
    }
    found
}

/// Whether a text runs something when it is read.
fn runs_at_once(text: &str) -> bool {
    ["$(shell", "${shell", "$(eval", "${eval", "$(file", "${file", "$(call", "${call"]
        .iter()
        .any(|call| text.contains(call))
}

/// Name, value, and whether the value is worked out at once.
fn assignment(text: &str) -> Option<(String, String, bool)> {
    let (left, value) = text.split_once('=')?;
    let name = left.trim_end_matches([':', '?', '+', '!']).trim();
    let plain = !name.is_empty() && !name.contains([' ', '\t', ':', '(', '{', '"', '\'']);
    let at_once = left.ends_with('!') || (left.ends_with([':', '+']) && runs_at_once(value));
    plain.then(|| (name.to_owned(), value.trim().to_owned(), at_once))
}

/// What stands on both sides of the colon of a rule.
fn colon(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let at = text.char_indices().find(|(_, c)| {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *c == ':' && depth == 0
    })?;
    Some((&text[..at.0], text[at.0..].trim_start_matches([':', '&'])))
}

fn without_comment(text: &str) -> &str {
    let comment = text.char_indices().find(|(at, c)| *c == '#' && !text[..*at].ends_with('\\'));
    comment.map_or(text, |(at, _)| &text[..at])
}

/// Lines, each with those that it goes on in.
fn logical(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let goes_on = line.ends_with('\\');
        let part = line.strip_suffix('\\').unwrap_or(line);
        match found.last_mut().filter(|_| open) {
            Some((_, before)) => *before = format!("{before} {}", part.trim_start()),
            None => found.push((index + 1, part.to_owned())),
        }
        open = goes_on;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Makefile {
        parse("Makefile", "", &|path| (path == "Makefile").then(|| text.to_owned()))
    }

    #[test]
    fn rules_variables_and_the_rest_are_told_apart() {
        let makefile = of(
            "CC ?= cc\nOBJS = a.o \\\n  b.o\nexport X = 1\n.PHONY: test\n# c\ntest: prog ; run\n\
                           \t@sh check.sh\nprog: $(OBJS)\n\t$(CC) -o $@ $^\n%.o: %.c\n\tcc -c $<\nother: x\n\ty\n",
        );
        assert_eq!(makefile.others.len(), 1);
        assert!(makefile.phony.contains("test"));
        let way: Vec<String> =
            makefile.way(&["test".to_owned()], &|_| false).0.into_iter().map(|(target, _)| target).collect();
        assert_eq!(way, ["test", "prog", "b.o", "a.o"]);
        assert_eq!(makefile.rules[0].recipe.len(), 2);
        assert_eq!(makefile.first().as_deref(), Some("test"));
        let used = makefile.used(&["$(OBJS) ${CC} $X".to_owned()]);
        assert!(["OBJS", "CC", "X"].iter().all(|name| used.contains(*name)));
    }

    #[test]
    fn no_makefile_keeps_orch_for_ever() {
        let many = |text: String| text.repeat(500);
        // Each variable holds the next one many times, and the last one nothing; the file includes itself.
        let chain: String = (0..6).map(|n| format!("V{n} = {}\n", many(format!("$(V{})", n + 1)))).collect();
        let text = format!("{}{chain}V6 =\ntest: $(V0)\n\t$(V0)\n", many("include Makefile\n".to_owned()));
        let makefile = of(&text);
        assert_eq!((makefile.files.len(), makefile.rules.len()), (1, 1));
        assert!(makefile.expand("$(V0)").len() < 1 << 20);
        // Names without end.
        let names: String = (0..20_000).map(|n| format!("$(A{n})")).collect();
        assert_eq!(makefile.used(&[names]).len(), VARIABLES);
    }

    #[test]
    fn a_variable_is_what_its_assignments_make_of_it() {
        let makefile = of("A ?= 1\nA ?= 2\nA += 3\nB = 1\nB += 2\nB = 3\nC += 1\n");
        assert_eq!(makefile.expand("$(A)/$(B)/$(C)/$(D)"), "1 3/3/1/$(D)");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[ \n\t$(){}:=#%;\\\\]|define |endef|include |ifeq|else|endif){0,60}") {
            let makefile = of(&text);
            let _ = makefile.way(&["a".to_owned()], &|path| path.len() % 2 == 0);
            let _ = makefile.used(&[text]);
        }
    }
}
