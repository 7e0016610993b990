//! The words of recipes: what compiles, what only tells more, what checks, and what may bend.

use super::make::NAMES;

/// Endings of what compilers and linkers get.
pub(super) const COMPILED: [&str; 16] = [
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
/// Those of them of which others may come in the place: they change neither what is compiled nor what is refused.
const TUNING: [&str; 3] = ["-O", "-g", "-std="];
/// Variables that hold such flags.
pub(super) const FLAG_NAMES: [&str; 4] = ["FLAGS", "LIBS", "LIB", "INCLUDES"];
/// Parts of the names of targets that check something.
const CHECKS: [&str; 7] = ["lint", "check", "test", "verify", "valid", "vet", "audit"];
/// Parts of names and recipes of those that may make what is expected as well.
const MAKES: [&str; 14] = [
    "update", "fix", "bless", "accept", "regen", "write", "record", "snapshot", "golden", "expect", "data",
    "clean", " -i", " -u",
];
/// Programs that run tests.
const RUNNERS: [&str; 9] =
    ["jest", "vitest", "mocha", "ava", "pytest", "nyc", "c8", "node --test", "cargo test"];
/// Their options that take nothing away from what they run.
const OPTIONS: [&str; 12] = [
    "--verbose",
    "-v",
    "-vv",
    "--ci",
    "--color",
    "--colors",
    "--strict-markers",
    "--strict-config",
    "--forbid-only",
    "--check-leaks",
    "--runInBand",
    "--trace-warnings",
];

/// Whether a name may be one of expectations, or a text may make them.
pub(super) fn makes_expectations(text: &str) -> bool {
    MAKES.iter().any(|word| text.contains(word))
}

/// Whether a target checks something, by its name.
pub(super) fn is_check(target: &str) -> bool {
    is_plain(target) && CHECKS.iter().any(|word| target.contains(word)) && !makes_expectations(target)
}

/// A line of a recipe without the `@` that keeps it from being shown.
pub(super) fn quiet(line: &str) -> String {
    let begin = line.len() - line.trim_start_matches(['\t', ' ', '@', '+', '-']).len();
    format!("{}{}", line[..begin].replace('@', ""), &line[begin..])
}

/// Whether a line of a recipe gives a compiler more to do.
pub(super) fn compiles_more(old: &str, new: &str) -> bool {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_whitespace().collect(), new.split_whitespace().collect());
    let program = old.first().map(|word| word.trim_start_matches('@')).unwrap_or_default();
    let old: Vec<&str> = old.into_iter().filter(|word| !is_tuning(word) || new.contains(word)).collect();
    COMPILERS.contains(&program)
        && added(&old, &new).is_some_and(|words| words.iter().all(|word| is_compiled_word(word)))
}

/// Whether a line runs the same tests, and has more told of them.
pub(super) fn tells_more(old: &str, new: &str) -> bool {
    let (old_words, new_words): (Vec<&str>, Vec<&str>) =
        (old.split_whitespace().collect(), new.split_whitespace().collect());
    let runs = |text: &str| RUNNERS.iter().any(|runner| format!(" {text} ").contains(&format!("{runner} ")));
    let tells = |word: &&str| {
        let coverage = word.starts_with("--cov") || (word.starts_with("--") && word.ends_with("coverage"));
        OPTIONS.contains(word)
            || (coverage && !word.contains("no-") && (!word.contains('=') || word.starts_with("--cov=")))
    };
    runs(&quiet(old).replace('\t', ""))
        && !old.contains(['|', ';', '&', '<', '>', '`', '$', '('])
        && added(&old_words, &new_words)
            .is_some_and(|more| more.iter().all(|word| tells(word) && is_plain(word)))
}

/// The words that were put in, where all others are there as they were.
pub(super) fn added<'t>(old: &[&str], new: &[&'t str]) -> Option<Vec<&'t str>> {
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

/// Whether a compiler or a linker gets it.
pub(super) fn is_file(word: &str) -> bool {
    COMPILED.iter().any(|ending| word.ends_with(ending))
}

/// Whether it is a flag of a compiler that changes no check.
pub(super) fn is_flag(word: &str) -> bool {
    FLAGS.iter().any(|begin| word.starts_with(begin)) && !word.contains("NDEBUG") && is_plain(word)
}

/// Whether it is one in whose place another may come.
pub(super) fn is_tuning(word: &str) -> bool {
    TUNING.iter().any(|begin| word.starts_with(begin)) && is_flag(word)
}

/// Whether nothing stands for something else in it.
pub(super) fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "_-./+=%".contains(c)) && !NAMES.contains(&word)
}

/// Whether a line of a recipe is a plain call of a compiler.
pub(super) fn is_compiled(line: &str) -> bool {
    let bare = line.trim_start_matches(['\t', '@', ' ']).replace("$<", "");
    let program = bare.split_whitespace().next().unwrap_or_default();
    COMPILERS.contains(&program)
        && !bare.contains([';', '|', '&', '<', '>', '`', '#'])
        && !bare.contains("shell ")
}
