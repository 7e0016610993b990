//! The words of settings and scripts: what is a limit, a level, an exclusion, a check.

/// Keys of minima, or their ends.
pub const MINIMA: [&str; 22] = [
    "fail_under",
    "fail-under",
    "cov-fail-under",
    "threshold",
    "branches",
    "lines",
    "functions",
    "statements",
    "minimum",
    "target",
    "min_coverage",
    "min-coverage",
    "coverage",
    "minimum_coverage",
    "min",
    "mincoveredratio",
    "minimumcoverage",
    "mutation-score",
    "min-msi",
    "minscore",
    "fail_at",
    "fail-at",
];
/// Keys of limits, or their ends.
pub const LIMITS: [&str; 22] = [
    "max-warnings",
    "max_warnings",
    "complexity",
    "max-complexity",
    "max_complexity",
    "max-lines",
    "max-depth",
    "max-params",
    "timeout",
    "testtimeout",
    "hooktimeout",
    "retries",
    "retry",
    "reruns",
    "maxallowedviolations",
    "maxwarnings",
    "cyclop",
    "max-line-length",
    "max_line_length",
    "tolerance",
    "maxdiffpixels",
    "failurethreshold",
];
/// Switches that are strict when on.
pub const STRICT: [&str; 34] = [
    "strict",
    "noimplicitany",
    "strictnullchecks",
    "noimplicitreturns",
    "nounusedlocals",
    "nounusedparameters",
    "checkjs",
    "nouncheckedindexedaccess",
    "exactoptionalpropertytypes",
    "strictfunctiontypes",
    "disallow_untyped_defs",
    "disallow_any_generics",
    "disallow_incomplete_defs",
    "check_untyped_defs",
    "warn_return_any",
    "warn_unused_ignores",
    "no_implicit_optional",
    "failonerror",
    "failonviolation",
    "failsonerror",
    "required",
    "error_on_warning",
    "fail_ci_if_error",
    "bail",
    "forbidonly",
    "autotests",
    "doctest",
    "test",
    "harness",
    "xfail_strict",
    "failifnotests",
    "consolefailsonerror",
    "treatwarningsaserrors",
    "branch",
];
/// Switches that are loose when on.
pub const LOOSE: [&str; 24] = [
    "ignore_missing_imports",
    "ignore_errors",
    "skiplibcheck",
    "passwithnotests",
    "ignorebuilderrors",
    "ignoreduringbuilds",
    "allow_failure",
    "continue-on-error",
    "skiptests",
    "testfailureignore",
    "ignorefailures",
    "maven.test.skip",
    "skip_covered",
    "informational",
    "skip",
    "allowjs",
    "skipitests",
    "disable_error_code",
    "exit-zero",
    "exit_zero",
    "allow-failures",
    "disabled",
    "ignore-failures",
    "skip_empty",
];
/// Keys under which a check finds what it leaves out.
pub const EXCLUDES: [&str; 36] = [
    "exclude",
    "excludes",
    "ignore",
    "ignores",
    "omit",
    "testpathignorepatterns",
    "coveragepathignorepatterns",
    "norecursedirs",
    "ignorepatterns",
    "extend-ignore",
    "extend_ignore",
    "extend-exclude",
    "per-file-ignores",
    "disable",
    "exclude_lines",
    "skip_files",
    "exclude-dirs",
    "exclude-rules",
    "exclude-files",
    "collect_ignore",
    "collect_ignore_glob",
    "exclude_also",
    "excludedfiles",
    "skip-dirs",
    "testignore",
    "disabled",
    "exclusions",
    "sonar.exclusions",
    "modulepathignorepatterns",
    "exclude-patterns",
    "excludefiles",
    "deselect",
    "lint.ignore",
    "disabled_rules",
    "default-filter",
    "excludedgroups",
];
/// Parts of what nobody wrote.
pub const GENERATED: [&str; 22] = [
    "node_modules",
    "dist",
    "build",
    "vendor",
    "target",
    ".next",
    "generated",
    "__pycache__",
    ".venv",
    "venv",
    ".min.",
    "coverage/",
    ".d.ts",
    "third_party",
    "migrations",
    "_pb2",
    ".pb.go",
    "storybook",
    ".cache",
    "out/",
    "tmp",
    ".git/",
];
/// Keys whose values are levels of other things.
pub const ALLOWED: [&str; 3] = ["priority", "version", "edition"];

/// How strict a lint's level or a switch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all.
    Off,
    /// It is told.
    Warn,
    /// It fails.
    Error,
    /// It fails, and nobody can say otherwise.
    Forbid,
}

/// The level that a value gives to a key.
#[must_use]
pub fn level(key: &str, value: &str) -> Option<Level> {
    let last = key.rsplit('.').next().unwrap_or_default();
    match value.to_ascii_lowercase().as_str() {
        "forbid" => Some(Level::Forbid),
        "error" | "deny" | "fatal" => Some(Level::Error),
        "warn" | "warning" | "info" => Some(Level::Warn),
        "off" | "allow" | "ignore" | "none" | "disabled" => Some(Level::Off),
        "true" if STRICT.contains(&last) => Some(Level::Error),
        "false" if STRICT.contains(&last) => Some(Level::Off),
        "true" if LOOSE.contains(&last) => Some(Level::Off),
        "false" if LOOSE.contains(&last) => Some(Level::Error),
        _ => None,
    }
}

/// What runs a check.
pub const CHECKS: [&str; 58] = [
    "cargo test",
    "cargo nextest",
    "cargo clippy",
    "cargo fmt",
    "cargo build",
    "cargo check",
    "cargo deny",
    "cargo audit",
    "cargo llvm-cov",
    "pytest",
    "unittest",
    "npm test",
    "npm run test",
    "npm run lint",
    "npm run typecheck",
    "npm run build",
    "pnpm test",
    "pnpm lint",
    "yarn test",
    "yarn lint",
    "jest",
    "vitest",
    "mocha",
    "ava",
    "eslint",
    "tsc",
    "biome",
    "prettier",
    "playwright",
    "cypress",
    "go test",
    "go vet",
    "golangci-lint",
    "staticcheck",
    "gofmt",
    "mvn",
    "gradle",
    "gradlew",
    "ruff",
    "mypy",
    "flake8",
    "pylint",
    "black",
    "tox",
    "nox",
    "coverage",
    "make test",
    "make lint",
    "make check",
    "bats",
    "rspec",
    "rubocop",
    "phpunit",
    "dotnet test",
    "ctest",
    "shellcheck",
    "swift test",
    "mix test",
];

/// The checks that a line of a script runs.
#[must_use]
pub fn checks(line: &str) -> Vec<&'static str> {
    let bare = line.trim();
    if bare.starts_with('#') || bare.starts_with("echo ") || bare.starts_with("//") {
        return Vec::new();
    }
    let border =
        |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '-' || c == '.'));
    let runs = |check: &&str| {
        bare.match_indices(*check).any(|(at, _)| {
            border(bare[..at].chars().next_back()) && border(bare[at + check.len()..].chars().next())
        })
    };
    CHECKS.into_iter().filter(|check| runs(check)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_runs_what_it_names_as_a_word() {
        assert_eq!(checks("\tcargo test --all"), ["cargo test"]);
        assert_eq!(checks("\"test\": \"jest --coverage\","), ["jest"]);
        assert!(checks("# cargo test").is_empty() && checks("rm -f jest-junit.xml").is_empty());
        assert!(checks("cp pytest.ini x").is_empty());
    }

    #[test]
    fn levels_have_an_order() {
        assert!(level("a", "deny") > level("a", "warn") && level("a", "warn") > level("a", "off"));
        assert_eq!(level("compilerOptions.strict", "false"), Some(Level::Off));
        assert_eq!(level("name", "true"), None);
    }
}
