//! Which files hold tests: by the names that are usual in each language, or as the project says.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Where tests lie in most projects, whatever the language; what they read lies there too.
const ANYWHERE: [&str; 7] = [
    "{test,tests,spec,e2e}/**",
    "**/{test,tests,testdata,__tests__,__mocks__,__snapshots__,__fixtures__,fixtures}/**",
    "**/src/{androidTest,integrationTest,testFixtures}/**",
    "**/*.{snap,golden}",
    "**/Tests/**",
    "cypress/**",
    "**/*.bats",
];
/// How files of tests are called, language by language.
const NAMES: [&str; 14] = [
    // Rust
    "**/{tests,test}.rs",
    "**/{*_test,*_tests,test_*}.rs",
    // Python
    "**/{test_*,*_test,conftest}.py",
    // JavaScript and TypeScript
    "**/*.{test,spec,cy}.{js,jsx,mjs,cjs,ts,tsx,mts,cts,vue,svelte}",
    // Go
    "**/*_test.go",
    // Java, Kotlin, Scala, Groovy
    "**/{*Test,*Tests,*TestCase,*IT,*Spec,Test[A-Z]*}.{java,kt,scala,groovy}",
    // C#
    "**/{*Test,*Tests}.cs",
    // PHP
    "**/*Test.php",
    // Ruby
    "**/{*_spec,*_test,test_*}.rb",
    // C and C++
    "**/{*_test,*_tests,test_*,*Test}.{c,cc,cpp,cxx,h,hpp}",
    // Elixir, Dart
    "**/*_test.{exs,dart}",
    // Swift
    "**/*Tests.swift",
    // Shell
    "{t/*,**/{*_test,*-test,*.test,*_spec}}.{sh,bash}",
    // Haskell, Lua
    "**/{*Spec,*_spec}.{hs,lua}",
];

/// Tells files that hold tests.
#[derive(Debug, Clone)]
pub struct TestFiles {
    set: GlobSet,
}

impl TestFiles {
    /// The files that these globs name, or where there are none, those that are usual. Globs that do
    /// not compile are refused when the configuration is read; here they are left out.
    #[must_use]
    pub fn new(globs: &[String]) -> Self {
        let usual: Vec<&str> = ANYWHERE.iter().chain(&NAMES).copied().collect();
        let own: Vec<&str> = globs.iter().map(String::as_str).collect();
        let mut builder = GlobSetBuilder::new();
        for glob in if own.is_empty() { usual } else { own } {
            if let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() {
                builder.add(glob);
            }
        }
        Self { set: builder.build().unwrap_or_else(|_| GlobSet::empty()) }
    }

    /// Whether a file of the repository holds tests.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.set.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_tests_are_known_in_every_language() {
        let usual = TestFiles::new(&[]);
        for path in [
            "tests/cli.rs",
            "crates/a/tests/common/mod.rs",
            "src/parse/tests.rs",
            "test_it.py",
            "pkg/it_test.py",
            "pkg/tests/data.json",
            "conftest.py",
            "src/a.test.tsx",
            "src/__tests__/a.js",
            "a.spec.mjs",
            "pkg/a_test.go",
            "pkg/testdata/x",
            "app/src/test/java/com/x/ATest.java",
            "src/main/java/ParserTests.java",
            "spec/models/user_spec.rb",
            "tests/Unit/AuthTest.php",
            "lib/a_test.exs",
            "Tests/AppTests/A.swift",
        ] {
            assert!(usual.has(path), "{path}");
        }
        for path in [
            "src/main.rs",
            "src/attest.rs",
            "contest.py",
            "src/latest.js",
            "src/test-utils.ts",
            "lib/Testing.java",
            "spec.md",
            "docs/testing.md",
            "pkg/protest.go",
        ] {
            assert!(!usual.has(path), "{path}");
        }
    }

    #[test]
    fn every_usual_glob_compiles() {
        for glob in ANYWHERE.iter().chain(&NAMES) {
            assert!(GlobBuilder::new(glob).literal_separator(true).build().is_ok(), "{glob}");
        }
    }

    #[test]
    fn a_project_may_say_where_its_tests_are() {
        let own = TestFiles::new(&["checks/**".to_owned()]);
        assert!(own.has("checks/a/b.sh") && !own.has("tests/a.rs"));
    }
}
