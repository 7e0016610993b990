//! What a text calls other issues.

/// `#7`, `!7`, `owner/name#7` and addresses of issues in a text, as `#7` or `owner/name#7`.
pub(super) fn references(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']'));
    words.filter_map(reference).collect()
}

/// The references that a text begins with.
pub(super) fn leading_references(text: &str) -> Vec<String> {
    let words = text.trim_start_matches([':', ' ']).split(|c: char| c.is_whitespace() || c == ',');
    words
        .filter(|word| !word.is_empty() && *word != "and")
        .map_while(|word| reference(word.trim_end_matches(['.', ';', ')'])))
        .collect()
}

fn reference(word: &str) -> Option<String> {
    let word = word.trim_end_matches(['.', ':']);
    if let Some((repository, number)) = word.rsplit_once('#') {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        let number = number.parse::<u64>().ok()?;
        return repository.chars().all(legal).then(|| format!("{repository}#{number}"));
    }
    let path = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"))?;
    let (_, path) = path.split_once('/')?;
    let (repository, number) = path.split_once("/-/issues/").or_else(|| path.split_once("/issues/"))?;
    let number = number.trim_end_matches('/').parse::<u64>().ok()?;
    reference(&format!("{repository}#{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_issues_are_references() {
        let all = "see https://forge.example/acme/api/issues/9, https://lab.example/a/b/-/issues/3 and #1.";
        assert_eq!(references(all), ["acme/api#9", "a/b#3", "#1"]);
        assert_eq!(references("$rm#1 a;b b"), Vec::<String>::new());
    }
}
