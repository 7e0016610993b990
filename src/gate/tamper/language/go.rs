//! Go.

use super::{Asks, Found, How, Language, Tests, assert};
use crate::gate::tamper::lex::Syntax;

/// Go.
pub static GO: Language = Language {
    endings: &[".go"],
    syntax: Syntax {
        line_comments: &["//"],
        block: Some(("/*", "*/")),
        short: &["\"", "'"],
        long: &["`"],
        rust: false,
        patterns: false,
    },
    tests: Tests::Named(&["Test", "Fuzz", "Example", "Benchmark"]),
    found: Found { dirs: &[], begins: &[], has: &["_test.go"], strict: true },
    alone: &[],
    asserts: &[
        assert("t . Error* (", How::Branch, Asks::Exactly),
        assert("t . Fatal* (", How::Branch, Asks::Exactly),
        assert("t . Fail* (", How::Branch, Asks::Exactly),
        assert("b . Fatal* (", How::Branch, Asks::Exactly),
        assert("assert . Equal* (", How::Args(3), Asks::Exactly),
        assert("require . Equal* (", How::Args(3), Asks::Exactly),
        assert("assert . ErrorIs (", How::Args(3), Asks::Exactly),
        assert("require . ErrorIs (", How::Args(3), Asks::Exactly),
        assert("assert . JSONEq (", How::Args(3), Asks::Exactly),
        assert("assert . True (", How::Args(2), Asks::AsGiven),
        assert("require . True (", How::Args(2), Asks::AsGiven),
        assert("assert . NotNil (", How::Args(2), Asks::Something),
        assert("require . NotNil (", How::Args(2), Asks::Something),
        assert("assert . NotEmpty (", How::Args(2), Asks::Something),
        assert("require . NotEmpty (", How::Args(2), Asks::Something),
        assert("assert . _ (", How::Args(3), Asks::Part),
        assert("require . _ (", How::Args(3), Asks::Part),
    ],
    exact: &[],
    weak: &[],
    skips: &[],
    maybe: &["testing . Short ( )"],
    quits: &["t . Skip (", "t . Skipf (", "t . SkipNow (", "b . Skip (", "os . Exit ( 0"],
    focus: &[],
    swallows: &["recover ( )"],
    mocks: &[". Return (", ". Returns ("],
    detects: &[
        "testing . Testing ( )",
        "flag . Lookup ( \"test.v\"",
        "strings . HasSuffix ( os . Args [ 0 ] , \".test\"",
    ],
    hints: &[],
    harness: &["os . Exit ( 0 )"],
    equals: &["Equal ( _ _ ) bool { return true }"],
    excepts_all: &[],
    excepts: &[],
    comments_all: &["nolint:all", "go:build ignore", "+build ignore", "golangci-lint:ignore"],
    comments: &["nolint", "#nosec", "lint:ignore", "coverage:ignore"],
};
