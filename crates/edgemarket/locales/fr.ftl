error = erreur
offer-valid = { $name } est valide
offer-findings = { $errors } erreurs, { $warnings } avertissements
offer-made = { $dir } créé
offer-made-next = ensuite : modifiez { $dir }/offer.yaml, puis lancez : edgemarket offer validate { $dir }
route-valid = la route est valide
route-invalid = la route n’est pas valide
