//! The tables of a product as its SQL file says them, as far as two versions must be told apart: which columns there are,
//! and whether a row can be written without one of them.

use std::collections::BTreeMap;

/// Columns of each table, and whether a row may be written without them.
pub(super) type Columns = BTreeMap<String, BTreeMap<String, bool>>;

/// What one version has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `table` or `table.column`.
    pub name: String,
    /// One sentence's end, such as `is new and must be given`.
    pub what: &'static str,
}

/// Words that begin a line of a table which is no column.
const CONSTRAINTS: [&str; 7] = ["primary", "unique", "constraint", "foreign", "check", "exclude", "like"];

/// Reads the tables of an SQL text.
pub fn columns(sql: &str) -> Columns {
    let text: String =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut all = Columns::new();
    for statement in text.split(';') {
        if let Some((table, body)) = table(statement) {
            all.insert(table, parts(body).filter_map(column).collect());
        }
    }
    all
}

/// Name and inside of a `CREATE TABLE`.
fn table(statement: &str) -> Option<(String, &str)> {
    let (head, body) = statement.split_once('(')?;
    let words: Vec<String> = head.split_whitespace().map(str::to_lowercase).collect();
    let at = words.iter().position(|word| word == "table")?;
    (words.first()? == "create").then_some(())?;
    let name = words[at + 1..].iter().find(|word| !["if", "not", "exists"].contains(&word.as_str()))?;
    Some((plain(name), &body[..body.rfind(')')?]))
}

/// What stands between the commas that are in no bracket.
fn parts(body: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    body.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

fn column(part: &str) -> Option<(String, bool)> {
    let lower = part.trim().to_lowercase();
    let (name, rest) = lower.split_once(char::is_whitespace)?;
    if CONSTRAINTS.contains(&name) {
        return None;
    }
    let given_by_itself = rest.contains("default") || rest.contains("serial") || rest.contains("generated");
    let must = rest.contains("not null") || rest.contains("primary key");
    Some((plain(name), given_by_itself || !must))
}

fn plain(name: &str) -> String {
    name.trim_matches(|c| matches!(c, '"' | '`')).to_owned()
}

/// What differs from `before` to `after`, in the order of the names.
pub fn differences(before: &Columns, after: &Columns) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut tell = |name: String, what| found.push(Difference { name, what });
    for (table, columns) in after {
        let Some(known) = before.get(table) else {
            tell(table.clone(), "is a new table");
            continue;
        };
        for (column, optional) in columns.iter().filter(|(column, _)| !known.contains_key(*column)) {
            let what = if *optional { "is a new column" } else { "is a new column that must be given" };
            tell(format!("{table}.{column}"), what);
        }
        for column in known.keys().filter(|column| !columns.contains_key(*column)) {
            tell(format!("{table}.{column}"), "is a column no more");
        }
    }
    for table in before.keys().filter(|table| !after.contains_key(*table)) {
        tell(table.clone(), "is a table no more");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "-- CREATE TABLE not (this text);\nCREATE TABLE archive (\n  username text NOT NULL,\n  id SERIAL,\n  \
        kind numeric(10, 2), -- a, b\n  created_at TIMESTAMP NOT NULL DEFAULT now(),\n  PRIMARY KEY (username, id)\n);\n\
        CREATE INDEX i ON archive USING btree (username);\nCREATE TABLE old (a text);";

    #[test]
    fn tables_and_columns_are_read() {
        let all = columns(BEFORE);
        let wanted = [("created_at", true), ("id", true), ("kind", true), ("username", false)];
        assert_eq!(all["archive"], wanted.map(|(name, may)| (name.to_owned(), may)).into());
        assert_eq!(all.keys().collect::<Vec<_>>(), ["archive", "old"]);
    }

    #[test]
    fn what_two_versions_differ_by_is_told() {
        let after = BEFORE
            .replace("  id SERIAL,", "  id BIGSERIAL, origin_id text NOT NULL,")
            .replace("CREATE TABLE old", "CREATE TABLE fresh");
        let found = differences(&columns(BEFORE), &columns(&after));
        let told: Vec<String> = found.iter().map(|it| format!("{} {}", it.name, it.what)).collect();
        assert_eq!(
            told,
            [
                "archive.origin_id is a new column that must be given",
                "fresh is a new table",
                "old is a table no more"
            ]
        );
    }
}
