# __Vendor__

Server 0.0 or later; SDK `…` 0.0.0. Proven on 0.0.

## Options

| option | default | |
| --- | --- | --- |

## Limits

## What would surprise

## Scores and ids
