//! All other languages, by plain rules: those with braces, and those whose comments begin with `#`.

use super::{Asks, Assert, Found, How, Language, Tests, assert};
use crate::gate::tamper::lex::Syntax;

const FOUND: Found = Found {
    dirs: &["test", "tests", "spec", "Tests"],
    begins: &["test_", "Test"],
    has: &["_test.", "_spec.", "Test.", "Tests."],
    strict: false,
};

const ASSERTS: &[Assert] = &[
    assert("ASSERT_EQ (", How::Args(2), Asks::Exactly),
    assert("EXPECT_EQ (", How::Args(2), Asks::Exactly),
    assert("EXPECT_TRUE (", How::Args(1), Asks::AsGiven),
    assert("ASSERT_* (", How::Args(2), Asks::Part),
    assert("EXPECT_* (", How::Args(2), Asks::Part),
    assert("# expect (", How::Args(1), Asks::AsGiven),
    assert("# require (", How::Args(1), Asks::AsGiven),
    assert("XCTAssertEqual (", How::Args(2), Asks::Exactly),
    assert("XCTAssert* (", How::Args(2), Asks::Part),
    assert("assertSame (", How::Args(2), Asks::Exactly),
    assert("assertEquals (", How::Args(2), Asks::Exactly),
    assert("assert_equal _", How::Line, Asks::Exactly),
    assert("refute* _", How::Line, Asks::Part),
    assert("expect ( _", How::Line, Asks::AsGiven),
    assert("assert* (", How::Args(2), Asks::AsGiven),
    assert("assert* _", How::Line, Asks::AsGiven),
];

const SKIPS: &[&str] = &[
    "GTEST_SKIP (",
    "XCTSkip (",
    "throw XCTSkip",
    "markTestSkipped (",
    "@ tag : skip",
    "skip \"*",
    "skip '*",
    "xit \"*",
    "xit '*",
    "xdescribe \"*",
    "xdescribe '*",
    "pending \"*",
    "pending '*",
    "x . it (",
    "skip do",
    "skip end",
    "@ disabled",
];

/// C, C++, Swift, PHP, Dart and the like.
pub static BRACES: Language = Language {
    endings: &[".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".swift", ".php", ".dart", ".m", ".zig", ".sol"],
    syntax: Syntax {
        line_comments: &["//"],
        block: Some(("/*", "*/")),
        short: &["\"", "'"],
        long: &[],
        rust: false,
        patterns: false,
    },
    tests: Tests::Patterns(&[
        "TEST ( _ , _",
        "TEST_F ( _ , _",
        "TEST_P ( _ , _",
        "TEST_CASE ( _",
        "func test*",
        "@ Test func _",
        "@ Test ( _ ) func _",
        "function test*",
        "void test*",
        "test ( _",
    ]),
    found: FOUND,
    alone: &["main ("],
    asserts: ASSERTS,
    exact: &[],
    weak: &[],
    skips: SKIPS,
    maybe: &[],
    quits: &["exit ( 0", "_exit ( 0"],
    focus: &["fit (", "fdescribe ("],
    swallows: &["catch ( . . . ) { }"],
    mocks: &["willReturn (", "WillOnce ( Return ("],
    detects: &[],
    hints: &["PHPUNIT_COMPOSER_INSTALL"],
    harness: &[],
    equals: &["operator == ( const _ & ) const { return true"],
    excepts_all: &[],
    excepts: &[
        "# pragma clang diagnostic ignored",
        "# pragma GCC diagnostic ignored",
        "# pragma warning ( disable",
    ],
    comments_all: &["swiftlint:disable all", "phpcs:ignoreFile"],
    comments: &["NOLINT", "swiftlint:disable", "phpcs:ignore", "@phpstan-ignore", "LCOV_EXCL", "ignore:"],
};

/// Comments from a number sign on, texts in either quotes.
pub(super) const HASHED: Syntax = Syntax {
    line_comments: &["#"],
    block: None,
    short: &["\"", "'"],
    long: &[],
    rust: false,
    patterns: false,
};

/// Ruby, Elixir and the like.
pub static HASHES: Language = Language {
    endings: &[".rb", ".ex", ".exs", ".r", ".jl", ".nim", ".pl", ".t", ".cr"],
    syntax: HASHED,
    tests: Tests::Patterns(&[
        "def test_*",
        "it \"*",
        "it '*",
        "test \"*",
        "test '*",
        "@ test \"*",
        "scenario \"*",
        "specify \"*",
    ]),
    found: FOUND,
    alone: &[],
    asserts: ASSERTS,
    exact: &[],
    weak: &[],
    skips: SKIPS,
    maybe: &["skip if", "skip unless"],
    quits: &["exit 0", "exit ! 0"],
    focus: &[
        "fit \"*",
        "fit '*",
        "fdescribe \"*",
        "fdescribe '*",
        "focus : true",
        "@ tag : focus",
        ", : focus",
    ],
    swallows: &["rescue end", "rescue nil", "rescue StandardError end", "rescue Exception end"],
    mocks: &[". and_return (", ". returns ("],
    detects: &[],
    hints: &["Rails . env . test ?"],
    harness: &[
        "failure_exit_code = 0",
        "filter_run_excluding : all",
        "ExUnit . configure ( exclude : [ : test ]",
    ],
    equals: &["def == ( _ ) true end", "def == ( _ ) = true"],
    excepts_all: &[],
    excepts: &[],
    comments_all: &["rubocop:disable all"],
    comments: &["rubocop:disable", ":nocov:", "credo:disable"],
};
