//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use super::{Finding, RULES};
use serde_json::{Value, json};

/// A log with one run. `uri` is the file as it is seen from the repository's root.
pub fn sarif(uri: &str, findings: &[Finding], version: &str) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": rule.reason },
                "help": { "text": rule.fix },
                "defaultConfiguration": { "level": rule.level.as_str() },
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "ruleId": finding.rule,
                "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule),
                "level": finding.level.as_str(),
                "message": { "text": format!("{}. {} {}", finding.message, finding.reason, finding.fix) },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": uri },
                        "region": { "startLine": finding.line },
                    },
                }],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cargo-larder", "version": version, "rules": rules } },
            "results": results,
        }],
    })
}
