//! A picture as a page to look around in: search, choose a node, see what it comes from and what comes of it.

use super::Picture;
use super::svg::{escaped, svg};

const PAGE: &str = include_str!("../../templates/picture.html");

/// The picture as a page of its own, without anything from elsewhere.
#[must_use]
pub fn page(picture: &Picture) -> String {
    let nodes: Vec<serde_json::Value> = picture
        .nodes
        .iter()
        .map(|node| serde_json::json!({ "title": node.title, "kind": node.kind, "notes": node.notes }))
        .collect();
    // No mark of HTML in a title may end the script.
    let data = serde_json::Value::from(nodes).to_string().replace('<', "\\u003c");
    let fill = |text: &str, name: &str, value: &str| text.replacen(name, value, 1);
    // The data come last: nothing in them is looked at again.
    let text = fill(PAGE, "@title@", &escaped(&picture.title));
    let text = fill(&text, "@heading@", &escaped(&picture.title));
    let (before, after) = text.split_once("@picture@").unwrap_or((&text, ""));
    let (middle, end) = after.split_once("@nodes@").unwrap_or((after, ""));
    format!("{before}{}{middle}{data}{end}", svg(picture))
}

#[cfg(test)]
mod tests {
    use super::super::{Link, Node, Picture};
    use super::page;

    #[test]
    fn titles_can_say_anything() {
        let node =
            |title: &str| Node { title: title.to_owned(), kind: "column".to_owned(), notes: vec!["</b>".to_owned()] };
        let nodes = vec![node("</script><b>@nodes@"), node("@picture@")];
        let picture =
            Picture { title: "@nodes@ <i>".to_owned(), nodes, links: vec![Link { from: 0, to: 1, dashed: true }] };
        let text = page(&picture);
        assert_eq!(text.matches("</script>").count(), 1);
        assert!(!text.contains("<i>"));
        assert!(!text.contains("<b>@"), "{text}");
    }
}
