//! Java, Kotlin and Scala; C#.

use super::{Asks, Assert, Found, How, Language, Tests, assert};
use crate::gate::tamper::lex::Syntax;

const SYNTAX: Syntax = Syntax {
    line_comments: &["//"],
    block: Some(("/*", "*/")),
    short: &["\"", "'"],
    long: &["\"\"\"", "`"],
    rust: false,
    patterns: false,
};

const ASSERTS: &[Assert] = &[
    assert("assertEquals (", How::Args(2), Asks::Exactly),
    assert("assertArrayEquals (", How::Args(2), Asks::Exactly),
    assert("assertIterableEquals (", How::Args(2), Asks::Exactly),
    assert("assertSame (", How::Args(2), Asks::Exactly),
    assert("assertThrows ( Exception", How::Args(1), Asks::Something),
    assert("assertThrows ( Throwable", How::Args(1), Asks::Something),
    assert("assertThrows* (", How::Args(1), Asks::Exactly),
    assert("assertTrue (", How::Args(1), Asks::AsGiven),
    assert("assertFalse (", How::Args(1), Asks::AsGiven),
    assert("assertNotNull (", How::Args(1), Asks::Something),
    assert("assertDoesNotThrow (", How::Args(1), Asks::Something),
    assert("assertThat (", How::Chain, Asks::Part),
    assert("assertThatThrownBy (", How::Chain, Asks::Part),
    assert("assert* (", How::Args(2), Asks::Part),
    assert("fail (", How::Branch, Asks::Exactly),
    assert("verify (", How::Chain, Asks::Part),
    assert("Assert . Equal (", How::Args(2), Asks::Exactly),
    assert("Assert . AreEqual (", How::Args(2), Asks::Exactly),
    assert("Assert . True (", How::Args(1), Asks::AsGiven),
    assert("Assert . IsTrue (", How::Args(1), Asks::AsGiven),
    assert("Assert . NotNull (", How::Args(1), Asks::Something),
    assert("Assert . IsNotNull (", How::Args(1), Asks::Something),
    assert("Assert . _ (", How::Args(2), Asks::Part),
    assert("Should ( )", How::Chain, Asks::Part),
];

const EXACT: &[&str] = &[
    "isEqualTo",
    "isSameAs",
    "containsExactly",
    "isEqualByComparingTo",
    "hasMessage",
    "isTrue",
    "isFalse",
    "isNull",
    "hasSize",
    "equalTo",
    "is",
    "Be",
    "BeEquivalentTo",
];
const WEAK: &[&str] =
    &["isNotNull", "isNotEmpty", "isInstanceOf", "notNullValue", "isPresent", "any", "NotBeNull"];

/// Java, Kotlin and Scala.
pub static JAVA: Language = Language {
    endings: &[".java", ".kt", ".kts", ".scala", ".groovy"],
    syntax: SYNTAX,
    tests: Tests::Attribute(
        "@",
        &["Test", "ParameterizedTest", "RepeatedTest", "Property", "TestFactory", "TestTemplate"],
    ),
    found: Found {
        dirs: &["test", "androidTest", "integrationTest"],
        begins: &["Test"],
        has: &["Test.", "Tests.", "TestCase.", "IT.", "Spec.", "Suite."],
        strict: true,
    },
    alone: &[],
    asserts: ASSERTS,
    exact: EXACT,
    weak: WEAK,
    skips: &[
        "@ Disabled",
        "@ Ignore",
        "@ org . junit . jupiter . api . Disabled",
        "@ org . junit . Ignore",
        "@ org . testng . annotations . Ignore",
        "enabled = false",
        "assumeTrue ( false",
        "assumeFalse ( true",
        "Assumptions . abort (",
    ],
    maybe: &[
        "@ DisabledOnOs",
        "@ DisabledIf*",
        "@ EnabledIf*",
        "@ EnabledOn*",
        "assumeTrue (",
        "assumeThat (",
    ],
    quits: &["System . exit ( 0"],
    focus: &[],
    swallows: &[
        "catch ( AssertionError _ ) { }",
        "catch ( Throwable _ ) { }",
        "catch ( Exception _ ) { }",
        "catch ( final Throwable _ ) { }",
        "catch ( e : Throwable ) { }",
        "catch ( e : AssertionError ) { }",
    ],
    mocks: &[". thenReturn (", "doReturn (", ". willReturn (", "returns"],
    detects: &["Class . forName ( \"org.junit", "\"org.junit.jupiter.api.Test\"", "startsWith ( \"org.junit"],
    hints: &[],
    harness: &["ignoreFailures = true", "TestExecutionExceptionHandler"],
    equals: &[
        "boolean equals ( Object _ ) { return true ; }",
        "equals ( other : Any ? ) = true",
        "int compareTo ( _ _ ) { return 0 ; }",
    ],
    excepts_all: &["@ file : Suppress (", "@ SuppressWarnings ( \"all\""],
    excepts: &["@ SuppressWarnings (", "@ Suppress (", "@ SuppressFBWarnings", "@ Generated"],
    comments_all: &["CHECKSTYLE:OFF", "@formatter:off", "ktlint-disable"],
    comments: &["NOSONAR", "NOPMD", "CHECKSTYLE.OFF", "noinspection"],
};

/// C#.
pub static CSHARP: Language = Language {
    endings: &[".cs"],
    syntax: SYNTAX,
    tests: Tests::Attribute("[", &["Test", "Fact", "Theory", "TestMethod", "TestCase", "DataTestMethod"]),
    found: Found {
        dirs: &["test", "tests", "Tests"],
        begins: &["Test"],
        has: &["Test.", "Tests."],
        strict: false,
    },
    alone: &[],
    asserts: ASSERTS,
    exact: EXACT,
    weak: WEAK,
    skips: &["[ Ignore", "( Skip =", "Skip = \"*", "[ Explicit"],
    maybe: &["Skip . If ("],
    quits: &["Assert . Ignore (", "Assert . Inconclusive (", "Environment . Exit ( 0", "Assert . Pass ("],
    focus: &[],
    swallows: &["catch { }", "catch ( Exception ) { }", "catch ( Exception _ ) { }"],
    mocks: &[". Returns (", ". ReturnsAsync ("],
    detects: &[],
    hints: &[],
    harness: &[],
    equals: &["bool Equals ( object _ ) => true", "bool Equals ( object ? _ ) => true"],
    excepts_all: &[],
    excepts: &["[ SuppressMessage", "[ ExcludeFromCodeCoverage", "# pragma warning disable"],
    comments_all: &[],
    comments: &["NOSONAR", "ReSharper disable"],
};
