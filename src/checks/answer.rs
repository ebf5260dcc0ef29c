//! Reading the answer of a product check in the way its stack says.

use crate::stack::Parser;
use serde_json::{Map, Value};

/// Reads an answer, or says why it cannot be read.
pub fn read(parser: Parser, stdout: &str) -> Result<Value, String> {
    let text = stdout.trim();
    match parser {
        Parser::Status => Ok(Value::Null),
        Parser::Text => Ok(Value::from(text)),
        Parser::Lines => {
            Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect())
        }
        Parser::Json => serde_json::from_str(text).map_err(|cause| format!("no JSON: {cause}")),
        Parser::Number => number(text),
        Parser::Csv => Ok(csv(text)),
    }
}

fn number(text: &str) -> Result<Value, String> {
    let whole = text.parse::<i64>().map(Value::from);
    whole
        .or_else(|_| text.parse::<f64>().map(Value::from))
        .map_err(|_| format!("no number: `{}`", text.chars().take(40).collect::<String>()))
}

/// A heading line, with or without `#` before it, then a line a record; no quotes, as monitoring sockets print it.
fn csv(text: &str) -> Value {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let heading: Vec<&str> =
        lines.next().unwrap_or_default().trim_start_matches('#').split(',').map(str::trim).collect();
    let record = |line: &str| {
        let named = heading.iter().copied().zip(line.split(',')).filter(|(name, _)| !name.is_empty());
        Value::from(
            named.map(|(name, value)| (name.to_owned(), Value::from(value.trim()))).collect::<Map<_, _>>(),
        )
    };
    lines.map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_parser_reads_its_kind() {
        assert_eq!(read(Parser::Text, " ok \n"), Ok(json!("ok")));
        assert_eq!(read(Parser::Lines, "a\n\n b\n"), Ok(json!(["a", "b"])));
        assert_eq!(read(Parser::Number, "42\n"), Ok(json!(42)));
        assert_eq!(read(Parser::Number, "0.5"), Ok(json!(0.5)));
        assert_eq!(read(Parser::Json, "[1]"), Ok(json!([1])));
        assert_eq!(
            read(Parser::Csv, "# pxname,status,\nc2s,UP,\nweb,DOWN,\n"),
            Ok(json!([{ "pxname": "c2s", "status": "UP" }, { "pxname": "web", "status": "DOWN" }]))
        );
        assert!(read(Parser::Json, "oops").is_err());
        assert!(read(Parser::Number, "").is_err());
    }
}
