"""Topics that are learned from labelled articles. Pure: no clock, no store, no configuration.

    examples ──training──> Model ──model_file──> bytes ──model_file──> Model ──judge──> TopicVerdict

numpy is enough to judge; scikit-learn is needed in `training` alone. Both come with the extra
`bantin[learn]`, so that modules outside of this package import them where they need them.
"""
