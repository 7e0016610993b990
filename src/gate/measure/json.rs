//! Reports of covered lines in JSON: those of coverage.py, istanbul (c8, nyc, jest, vitest) and
//! llvm-cov.

use super::{Coverage, MAX_LINE, ReportError, malformed};
use serde_json::{Map, Value};

/// Reads a report by what it looks like.
pub(super) fn coverage(text: &str) -> Result<Coverage, ReportError> {
    let Value::Object(root) = serde_json::from_str(text).map_err(malformed)? else {
        return Err(ReportError::Unknown);
    };
    let mut coverage = Coverage::default();
    if let Some(files) = root.get("files").and_then(Value::as_object) {
        for (path, file) in files {
            coverage_py(&mut coverage, path, file)?;
        }
    } else if root.get("type").and_then(Value::as_str) == Some("llvm.coverage.json.export") {
        let data = root.get("data").and_then(Value::as_array).into_iter().flatten();
        let files = data.filter_map(|each| each.get("files")?.as_array()).flatten();
        for file in files {
            llvm(&mut coverage, file)?;
        }
    } else if root.values().any(|file| file.get("statementMap").is_some()) {
        for (path, file) in &root {
            istanbul(&mut coverage, path, file)?;
        }
    } else {
        return Err(ReportError::Unknown);
    }
    Ok(coverage)
}

fn line(value: &Value) -> Result<u32, ReportError> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| malformed(format!("`{value}` is no line")))
}

fn coverage_py(coverage: &mut Coverage, path: &str, file: &Value) -> Result<(), ReportError> {
    for (key, hit) in [("executed_lines", true), ("missing_lines", false)] {
        let list = file.get(key).and_then(Value::as_array);
        let list = list.ok_or_else(|| malformed(format!("`{path}` has no `{key}`")))?;
        list.iter().try_for_each(|each| coverage.note(path, line(each)?, hit))?;
    }
    Ok(())
}

/// A line was run when the first statement that begins there was.
fn istanbul(coverage: &mut Coverage, path: &str, file: &Value) -> Result<(), ReportError> {
    let none = Map::new();
    let part = |key: &str| file.get(key).and_then(Value::as_object).unwrap_or(&none);
    let hits = part("s");
    for (id, place) in part("statementMap") {
        let begin = place.get("start").and_then(|start| start.get("line"));
        let begin = begin.ok_or_else(|| malformed(format!("a statement of `{path}` begins nowhere")))?;
        let hit = hits.get(id).and_then(Value::as_f64).is_some_and(|hits| hits > 0.0);
        coverage.note(path, line(begin)?, hit)?;
    }
    Ok(())
}

/// Segments are `[line, column, count, has a count, begins a region, fills a gap]`. A line counts as
/// run by the largest count of what covers it, as `llvm-cov` itself takes it.
fn llvm(coverage: &mut Coverage, file: &Value) -> Result<(), ReportError> {
    let path = file.get("filename").and_then(Value::as_str).ok_or_else(|| malformed("a file has no name"))?;
    let segments = file.get("segments").and_then(Value::as_array);
    let segments = segments.ok_or_else(|| malformed(format!("`{path}` has no segments")))?;
    let mut open: Option<bool> = None;
    let mut last = 0;
    for segment in segments {
        let field = |at: usize| segment.get(at).unwrap_or(&Value::Null);
        let (at, counted, begins) =
            (line(field(0))?, field(3).as_bool() == Some(true), field(4).as_bool() == Some(true));
        if at < last || at > MAX_LINE {
            return Err(malformed(format!("the segments of `{path}` are not in order")));
        }
        let hit = field(2).as_f64().is_some_and(|count| count > 0.0);
        if let Some(hit) = open {
            // What began earlier covers the lines between; on this one it ends.
            (last + 1..at).try_for_each(|between| coverage.note(path, between, hit))?;
        }
        if counted && begins && field(5).as_bool() != Some(true) {
            coverage.note(path, at, hit)?;
        } else if at > last
            && let Some(hit) = open
        {
            coverage.note(path, at, hit)?;
        }
        open = counted.then_some(hit);
        last = at;
    }
    Ok(())
}
