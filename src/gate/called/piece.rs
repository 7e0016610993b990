//! One piece of what a gate runs, and whether what became of it asks for less.
//!
//! Invariant: a piece may only grow, and only by what runs after all that it ran before, or by what is built
//! as well: files and libraries that a compiler gets. All else is for a person to allow.

use super::make::NAMES;

/// What sort of piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It may not change at all.
    Fixed,
    /// It may go, and not come.
    InTheWay,
    /// The rules of a target of a makefile.
    Rule,
    /// A variable of a makefile.
    Variable,
    /// A script for a shell.
    Script,
    /// A script in another language.
    Program,
    /// A command of `package.json`.
    Command,
}

/// A piece of what a gate runs.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The gate.
    pub gate: String,
    /// What it is, for people.
    pub what: String,
    /// Its file.
    pub path: String,
    /// What sort.
    pub kind: Kind,
    /// Its lines, numbered as in the file; none where it is not there.
    pub lines: Vec<(usize, String)>,
    /// Whether nothing of the gate runs after it.
    pub last: bool,
    /// Whether the gate's own command names it.
    pub direct: bool,
    /// Whether it may as well be what is checked.
    pub subject: bool,
}

/// Endings of what compilers and linkers get.
const COMPILED: [&str; 16] = [
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".o", ".obj", ".a", ".s", ".S", ".java", ".rs", ".go", ".ml",
    ".f90",
];
/// Compilers and linkers, as recipes spell them.
const COMPILERS: [&str; 20] = [
    "$(CC)", "${CC}", "$(CXX)", "${CXX}", "$(LD)", "${LD}", "$(AR)", "${AR}", "cc", "gcc", "g++", "c++",
    "clang", "clang++", "ld", "ar", "javac", "gfortran", "$(FC)", "ocamlopt",
];
/// Beginnings of flags of compilers that change no check.
const FLAGS: [&str; 10] = ["-l", "-L", "-I", "-D", "-O", "-g", "-std", "-f", "-W", "-pthread"];
/// Variables that hold such flags.
const FLAG_NAMES: [&str; 4] = ["FLAGS", "LIBS", "LIB", "INCLUDES"];

impl Piece {
    /// The texts of its lines.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The number of the first line that is not as it was.
    #[must_use]
    pub fn first_new(&self, old: &Self) -> Option<usize> {
        let (old, new) = (old.texts(), self.texts());
        let at = (0..new.len()).find(|at| old.get(*at) != new.get(*at));
        at.or(new.len().checked_sub(1)).map(|at| self.lines[at].0)
    }

    /// Whether it runs all that it ran, and nothing that could bend what that says.
    #[must_use]
    pub fn only_grew(&self, old: &Self) -> bool {
        let (before, after) = (old.texts(), self.texts());
        match self.kind {
            Kind::Fixed => false,
            Kind::InTheWay => after.is_empty(),
            Kind::Rule => rule_grew(&before, &after, self.last),
            Kind::Variable => variable_grew(&before, &after),
            Kind::Script => script_grew(&before, &after, self.last),
            Kind::Program => program_grew(&before, &after),
            Kind::Command => {
                let (before, after) = (before.concat(), after.concat());
                let more = after.strip_prefix(before.as_str()).map(str::trim_start);
                self.last && !before.contains(['#', '\n']) && more.is_some_and(|more| more.starts_with("&&"))
            }
        }
    }

    /// Whether a target that is new builds something, and does nothing else.
    #[must_use]
    pub fn only_builds(&self) -> bool {
        self.kind == Kind::Rule
            && self.texts().iter().all(|line| !line.starts_with('\t') || is_compiled(line))
    }

    /// The targets that were added to what a rule without a recipe of its own needs.
    #[must_use]
    pub fn added_needs(&self, old: &Self) -> Vec<String> {
        let (before, after) = (needs(&old.texts()), needs(&self.texts()));
        let recipe = self.texts().iter().any(|line| line.starts_with('\t'));
        match after
            .strip_prefix(before.as_slice())
            .filter(|_| self.kind == Kind::Rule && self.last && !recipe)
        {
            Some(more) => more.iter().map(|need| (*need).to_owned()).collect(),
            None => Vec::new(),
        }
    }
}

fn needs<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let heads = lines.iter().filter(|line| !line.starts_with('\t'));
    let behind = heads.filter_map(|line| line.split_once(':')).map(|(_, behind)| behind);
    behind.flat_map(str::split_whitespace).filter(|word| *word != "|").collect()
}

fn heads<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let heads = lines.iter().filter(|line| !line.starts_with('\t'));
    heads.map(|line| line.split_once(':').map_or(*line, |(target, _)| target).trim()).collect()
}

fn rule_grew(old: &[&str], new: &[&str], last: bool) -> bool {
    let recipe = |lines: &[&str]| -> Vec<String> {
        lines.iter().filter(|line| line.starts_with('\t')).map(|line| (*line).to_owned()).collect()
    };
    let (before, after) = (recipe(old), recipe(new));
    let (old_needs, new_needs) = (needs(old), needs(new));
    let Some(more) = new_needs.strip_prefix(old_needs.as_slice()) else { return false };
    let needed = more.iter().all(|word| is_plain(word) && is_file(word)) || (last && after.is_empty());
    let kept = before.iter().zip(&after).all(|(old, new)| old == new || compiles_more(old, new));
    let added = after.get(before.len()..);
    let safe = |line: &String| is_compiled(line) || (last && !before.is_empty());
    heads(old) == heads(new) && needed && kept && added.is_some_and(|added| added.iter().all(safe))
}

/// Whether a line of a recipe gives a compiler more to do.
fn compiles_more(old: &str, new: &str) -> bool {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_whitespace().collect(), new.split_whitespace().collect());
    let program = old.first().map(|word| word.trim_start_matches('@')).unwrap_or_default();
    COMPILERS.contains(&program)
        && added(&old, &new).is_some_and(|words| words.iter().all(|word| is_compiled_word(word)))
}

/// The words that were put in, where all others are there as they were.
fn added<'t>(old: &[&str], new: &[&'t str]) -> Option<Vec<&'t str>> {
    let (mut left, mut more) = (old.iter().peekable(), Vec::new());
    for word in new {
        if left.next_if(|old| **old == *word).is_none() {
            more.push(*word);
        }
    }
    left.peek().is_none().then_some(more)
}

fn is_compiled_word(word: &str) -> bool {
    is_plain(word) && (is_file(word) || is_flag(word))
}

fn is_file(word: &str) -> bool {
    COMPILED.iter().any(|ending| word.ends_with(ending))
}

fn is_flag(word: &str) -> bool {
    FLAGS.iter().any(|begin| word.starts_with(begin)) && !word.contains("NDEBUG") && is_plain(word)
}

fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "_-./+=%".contains(c)) && !NAMES.contains(&word)
}

/// Whether a line of a recipe is a plain call of a compiler.
fn is_compiled(line: &str) -> bool {
    let bare = line.trim_start_matches(['\t', '@', ' ']).replace("$<", "");
    let program = bare.split_whitespace().next().unwrap_or_default();
    COMPILERS.contains(&program)
        && !bare.contains([';', '|', '&', '<', '>', '`', '#'])
        && !bare.contains("shell ")
}

fn variable_grew(old: &[&str], new: &[&str]) -> bool {
    let ([old], [new]) = (old, new) else { return false };
    let name = old.split(['=', ':', '+', '?', ' ']).next().unwrap_or_default();
    let flags = FLAG_NAMES.iter().any(|end| name.ends_with(end));
    let (before, after): (Vec<&str>, Vec<&str>) =
        (old.split_whitespace().collect(), new.split_whitespace().collect());
    let ending = |word: &str| word.rsplit_once('.').map(|(_, ending)| ending.to_owned());
    let alike = |word: &str| {
        ending(word).is_some_and(|own| before.iter().any(|old| ending(old).as_ref() == Some(&own)))
    };
    let may =
        |word: &&str| is_plain(word) && ((flags && is_flag(word)) || (!word.starts_with('-') && alike(word)));
    added(&before, &after).is_some_and(|words| words.iter().all(may))
}

/// Whether a script says all that it said, with more calls of its own functions, or with more at its end where
/// nothing runs after it and it stops at what fails.
fn script_grew(old: &[&str], new: &[&str], last: bool) -> bool {
    let functions: Vec<&str> =
        old.iter().filter_map(|line| line.trim().split_once("()")).map(|(name, _)| name.trim()).collect();
    let whole = old.join("\n");
    let calls = |line: &str| {
        let line = line.trim();
        let name = line.split_whitespace().next().unwrap_or_default();
        let inside = line.split("$(").skip(1);
        let known = inside
            .filter_map(|part| part.split_whitespace().next())
            .all(|word| whole.contains(&format!("$({word}")));
        let told = line.contains(' ') && !whole.contains("exit 0");
        functions.contains(&name) && told && known && !line.contains([';', '|', '&', '<', '>', '`', '\\'])
    };
    if added(old, new).is_some_and(|lines| lines.iter().all(|line| calls(line))) {
        return true;
    }
    let stops = old.iter().take(10).any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.first() == Some(&"set")
            && words.get(1).is_some_and(|word| word.starts_with('-') && word.contains('e'))
    });
    let end = old.last().copied().unwrap_or_default();
    let ends_well = !end.contains("&&") && !end.contains("||") && !end.ends_with('\\');
    let left = end.trim_end().ends_with("|| exit 1");
    last && (stops && ends_well || left) && new.starts_with(old)
}

/// Whether a script in another language says all that it said, and more that leaves nothing early and bends
/// nothing: more assertions, more imports.
fn program_grew(old: &[&str], new: &[&str]) -> bool {
    const BENDS: [&str; 24] = [
        "exit",
        "quit",
        "process.",
        "os.",
        "sys.",
        "return",
        "try",
        "except",
        "catch",
        "mock",
        "write",
        "\"\"\"",
        "'''",
        "/*",
        "*/",
        "False",
        "false",
        "eval",
        "exec",
        "spawn",
        "setattr",
        "prototype",
        "lambda",
        "subprocess",
    ];
    let mut left = old.iter().peekable();
    for line in new {
        let kept = left.next_if(|old| *old == line || imports_more(old, line)).is_some();
        let set = line.split_once('=').is_some_and(|(name, value)| {
            let name = name.trim_end();
            !value.starts_with(['=', '>'])
                && !name.ends_with(['=', '!', '<', '>'])
                && (name.contains("assert") || name.contains("expect"))
        });
        if !kept && (set || BENDS.iter().any(|word| line.contains(word))) {
            return false;
        }
    }
    left.peek().is_none()
}

/// Whether a line imports what it did, and more.
fn imports_more(old: &str, new: &str) -> bool {
    let split = |c: char| !(c.is_alphanumeric() || "_./'\"@-".contains(c));
    let (before, after): (Vec<&str>, Vec<&str>) = (old.split(split).collect(), new.split(split).collect());
    let is_import = old.starts_with("import ") || old.starts_with("from ") || old.contains("require(");
    is_import && added(&before, &after).is_some_and(|words| words.iter().all(|word| is_plain(word)))
}
