error = error
offer-valid = { $name } is valid
offer-findings = { $errors } errors, { $warnings } warnings
offer-made = made { $dir }
offer-made-next = next: edit { $dir }/offer.yaml, then run: edgemarket offer validate { $dir }
route-valid = the route is valid
route-invalid = the route is not valid
