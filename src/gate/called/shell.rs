//! The commands that a text for `sh` runs, as far as they can be read without running it.
//!
//! In: text. Out: [`Command`]s in their order, quotes taken off. Not here: what a variable holds, and what
//! runs inside `$( )`, whose output and not its exit status is what counts.

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Whether something looks at what it prints: then that decides, and it is what is being checked.
    pub examined: bool,
    /// Whether what it prints goes into the next command.
    pub piped: bool,
    /// The file that it reads.
    pub input: Option<String>,
}

/// What only begins or ends a list of commands.
const KEYWORDS: [&str; 12] =
    ["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "{", "}", "!"];
/// What passes on all that it is given.
const PASSES_ON: [&str; 2] = ["tee", "cat"];

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `|`.
    Pipe,
    /// What ends a command.
    End,
    /// Output into a file.
    Into,
    /// Input from a file.
    From,
    /// Any other redirection.
    Redirect,
}

/// The commands of a text.
#[must_use]
pub fn commands(text: &str) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    let mut command = Command::default();
    let mut target: Option<Token> = None;
    for token in tokens(text).into_iter().chain([Token::End]) {
        match token {
            Token::Word(word) => match target.take() {
                Some(Token::From) => command.input = Some(word),
                Some(into) => command.examined |= into == Token::Into && !word.starts_with("/dev/"),
                None if command.words.is_empty() && KEYWORDS.contains(&word.as_str()) => {}
                None => command.words.push(word),
            },
            Token::Into | Token::From | Token::Redirect => target = Some(token),
            Token::Pipe | Token::End => {
                target = None;
                let one = std::mem::take(&mut command);
                if !one.words.is_empty() {
                    found.push(Command { piped: token == Token::Pipe, ..one });
                }
            }
        }
    }
    let next: Vec<String> = found.iter().skip(1).map(|command| command.words[0].clone()).collect();
    for (index, command) in found.iter_mut().enumerate() {
        let passed = next.get(index).is_some_and(|program| PASSES_ON.contains(&program.as_str()));
        command.examined |= command.piped && !passed;
    }
    found.retain(|one| !is_head(&one.words[0]));
    found
}

/// Whether a word begins a list of words and no command. What `for` goes through is of use.
fn is_head(word: &str) -> bool {
    matches!(word, "case" | "esac" | "select" | "function")
}

fn tokens(text: &str) -> Vec<Token> {
    let text = text.replace("\\\n", " ");
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut word, mut at) = (Vec::new(), None::<String>, 0);
    let mut documents: Vec<String> = Vec::new();
    while let Some(&c) = chars.get(at) {
        let end = |word: &mut Option<String>, found: &mut Vec<Token>| {
            found.extend(word.take().map(Token::Word));
        };
        match c {
            ' ' | '\t' | '\r' => end(&mut word, &mut found),
            '\n' => {
                end(&mut word, &mut found);
                found.push(Token::End);
                at = behind_documents(&chars, at, &mut documents);
            }
            '#' if word.is_none() => {
                at = (at..chars.len()).find(|index| chars[*index] == '\n').unwrap_or(chars.len());
                continue;
            }
            '\'' | '"' | '`' | '$' | '\\' => {
                let behind = behind_quoted(&chars, at);
                let taken: String = chars[at..behind].iter().collect();
                let bare = match c {
                    '\'' | '"' => taken[1..].strip_suffix(c).unwrap_or(&taken[1..]).to_owned(),
                    '\\' => taken[1..].to_owned(),
                    _ => taken,
                };
                word.get_or_insert_default().push_str(&bare);
                at = behind;
                continue;
            }
            '>' | '<' => at = redirect(&chars, at, &mut word, &mut found, &mut documents),
            '|' if chars.get(at + 1) != Some(&'|') => {
                end(&mut word, &mut found);
                found.push(Token::Pipe);
            }
            '&' if chars.get(at + 1) == Some(&'>') => end(&mut word, &mut found),
            '&' | '|' | ';' | '(' | ')' => {
                end(&mut word, &mut found);
                found.push(Token::End);
                at += usize::from(chars.get(at + 1) == Some(&c) && c != '(' && c != ')');
            }
            _ => word.get_or_insert_default().push(c),
        }
        at += 1;
    }
    found.extend(word.map(Token::Word));
    found
}

/// Takes a redirection; where its last character stands.
fn redirect(
    chars: &[char],
    at: usize,
    word: &mut Option<String>,
    found: &mut Vec<Token>,
    documents: &mut Vec<String>,
) -> usize {
    let number = word.as_deref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit()));
    let other = number && word.as_deref() != Some("1");
    if number {
        *word = None;
    }
    found.extend(word.take().map(Token::Word));
    let rest: String = chars[at..].iter().take(40).collect();
    let marks = rest.chars().take_while(|c| ">|<&-".contains(*c)).count();
    if rest.starts_with("<<") && !rest.starts_with("<<<") {
        let name = rest.trim_start_matches(['<', '-', ' ']);
        let name: String = name.chars().take_while(|c| !c.is_whitespace() && *c != ';').collect();
        documents.push(name.replace(['\'', '"', '\\'], ""));
    }
    let into = chars[at] == '>' && !other && !rest[..marks].contains('&');
    found.push(match &rest[..marks] {
        _ if into => Token::Into,
        "<" if !rest[1..].starts_with('(') => Token::From,
        _ => Token::Redirect,
    });
    at + marks - 1
}

/// The last character of what here-documents hold, whose first line begins behind a place.
fn behind_documents(chars: &[char], at: usize, documents: &mut Vec<String>) -> usize {
    let mut at = at;
    for name in documents.drain(..) {
        loop {
            let start = at + 1;
            let Some(length) =
                chars.get(start..).map(|rest| rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()))
            else {
                return at;
            };
            let line: String = chars[start..start + length].iter().collect();
            at = start + length;
            if line.trim() == name || at >= chars.len() {
                break;
            }
        }
    }
    at.min(chars.len())
}

/// Behind what a quote, a `\`, a `` ` `` or a `$` begins.
fn behind_quoted(chars: &[char], at: usize) -> usize {
    let until = |close: char, escapes: bool| {
        let mut index = at + 1;
        while index < chars.len() && chars[index] != close {
            index += if escapes && chars[index] == '\\' { 2 } else { 1 };
        }
        (index + 1).min(chars.len())
    };
    let nested = |open: char, close: char| {
        let (mut depth, mut index) = (0_usize, at + 1);
        while index < chars.len() {
            depth += usize::from(chars[index] == open);
            depth -= usize::from(chars[index] == close);
            index += 1;
            if depth == 0 {
                break;
            }
        }
        index
    };
    match (chars[at], chars.get(at + 1)) {
        ('\'', _) => until('\'', false),
        ('"', _) => {
            let mut index = at + 1;
            while index < chars.len() && chars[index] != '"' {
                index = match chars[index] {
                    '\\' => index + 2,
                    '$' => behind_quoted(chars, index),
                    _ => index + 1,
                };
            }
            (index + 1).min(chars.len())
        }
        ('`', _) => until('`', true),
        ('\\', _) => (at + 2).min(chars.len()),
        ('$', Some('(')) => nested('(', ')'),
        ('$', Some('{')) => nested('{', '}'),
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Vec<String> {
        let spell = |one: Command| format!("{}{}", one.words.join("_"), if one.examined { "?" } else { "" });
        commands(text).into_iter().map(spell).collect()
    }

    #[test]
    fn commands_are_told_apart_and_quotes_are_taken_off() {
        assert_eq!(of("sh ./check.sh"), ["sh_./check.sh"]);
        assert_eq!(
            of("cd a && make test; x||y # z\n\"a b\" 'c d'\\ e"),
            ["cd_a", "make_test", "x", "y", "a b_c d e"]
        );
        assert_eq!(
            of("if ! ./a.sh; then (b); fi\nfor x in 1; do c; done"),
            ["./a.sh", "b", "for_x_in_1", "c"]
        );
        assert_eq!(of("echo \\\n  one"), ["echo_one"]);
        assert_eq!(of("cat <<E\nrm x\nE\nls"), ["cat", "ls"]);
    }

    #[test]
    fn what_is_looked_at_is_told_from_what_decides() {
        assert_eq!(of("./tool | grep -q x"), ["./tool?", "grep_-q_x"]);
        assert_eq!(of("./check | tee log"), ["./check", "tee_log"]);
        assert_eq!(
            of("./tool > out; ./a >/dev/null 2>&1; ./b 2>err; ./c &>all"),
            ["./tool?", "./a", "./b", "./c?"]
        );
        assert_eq!(of("x=$(./tool a) y"), ["x=$(./tool a)_y"]);
    }

    #[test]
    fn what_a_command_is_given_is_known() {
        let all = commands("sh <check.sh 2>&1; cat a <<E | sh\nb\nE\n");
        assert_eq!(all[0].input.as_deref(), Some("check.sh"));
        assert_eq!((all[1].input.as_deref(), all[1].piped, all[2].piped), (None, true, false));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[ \n'\"`$(){}<>|&;#\\\\]){0,60}") {
            let _ = commands(&text);
        }
    }
}
