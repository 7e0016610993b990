//! Reports of covered lines that are lines of text: LCOV and Go's.

use super::{Coverage, MAX_LINE, ReportError, malformed};

/// LCOV: `SF:<path>` begins a file, `DA:<line>,<hits>` is a line of it. Other records say nothing new.
pub(super) fn lcov(text: &str) -> Result<Coverage, ReportError> {
    let mut coverage = Coverage::default();
    let mut file: Option<&str> = None;
    for (number, line) in text.lines().enumerate() {
        let wrong = || malformed(format!("line {} of it is no LCOV: `{line}`", number + 1));
        if let Some(path) = line.strip_prefix("SF:") {
            file = Some(path.trim());
        } else if line.trim() == "end_of_record" {
            file = None;
        } else if let Some(data) = line.strip_prefix("DA:") {
            let mut fields = data.split(',');
            let at = fields.next().and_then(|at| at.trim().parse().ok()).ok_or_else(wrong)?;
            // Some tools count below nothing where a counter was torn by threads.
            let hits: f64 = fields.next().and_then(|hits| hits.trim().parse().ok()).ok_or_else(wrong)?;
            coverage.note(file.ok_or_else(wrong)?, at, hits > 0.0)?;
        }
    }
    Ok(coverage)
}

/// Go: `<path>:<line>.<column>,<line>.<column> <statements> <hits>`, a block each.
pub(super) fn go(text: &str) -> Result<Coverage, ReportError> {
    let mut coverage = Coverage::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if line.starts_with("mode:") {
            continue;
        }
        let wrong = || malformed(format!("line {} of it is no block of Go: `{line}`", number + 1));
        let (path, from, to, hit) = block(line).ok_or_else(wrong)?;
        if from > to || to > MAX_LINE {
            return Err(wrong());
        }
        for at in from..=to {
            coverage.note(path, at, hit)?;
        }
    }
    Ok(coverage)
}

fn block(line: &str) -> Option<(&str, u32, u32, bool)> {
    let (path, rest) = line.rsplit_once(':')?;
    let mut fields = rest.split_whitespace();
    let (from, to) = fields.next()?.split_once(',')?;
    let line_of = |place: &str| place.split_once('.')?.0.parse().ok();
    let hits: u64 = fields.nth(1)?.parse().ok()?;
    Some((path, line_of(from)?, line_of(to)?, hits > 0))
}
