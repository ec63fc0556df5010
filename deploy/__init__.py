"""How Mailweave is deployed: image, manifests, rules, dashboards, and what writes them."""
